import LinuxSystem

exitProcess(Program.run(CommandLine.arguments))
