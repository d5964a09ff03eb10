import Engine
import LinuxSystem

let arguments = ProcessArguments.all()
if arguments.first == InitReaper.programName { exitProcess(InitReaper.run(arguments)) }
exitProcess(Program(arguments).run())
