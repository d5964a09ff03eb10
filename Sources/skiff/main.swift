import Engine
import LinuxSystem

if CommandLine.arguments.first == InitReaper.programName {
    exitProcess(InitReaper.run(CommandLine.arguments))
}
exitProcess(Program.run(CommandLine.arguments))
