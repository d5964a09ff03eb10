import ArgumentParser
import ImageStore
import LinuxSystem

/// Which store a command works on.
struct StoreOptions: ParsableArguments {
    @Option(name: .long, help: "The directory that holds images and containers' file systems.")
    var store = "/var/lib/skiff"

    func open() throws(StepError) -> ImageStore { try ImageStore.open(Path(store)) }
}
