// lint:table one line or two for each code
/// What kind of failure it was, in a word that stays the same from version to version. Scripts and engines decide by
/// it; docs/errors.md lists all of them. The raw value travels between processes of one program only.
package enum ErrorCode: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case usage = 1, unsupported, permission, notFound, inUse, hostExhausted, kernelLacks, callFailed,
        internalError
    case containerExists, containerNotFound, containerNotRunning, containerState, containerBusy, stateDamaged
    case idInvalid, bundleUnreadable, configInvalid
    case namespaceFailed, networkFailed, controllerMissing, cgroupFailed, memoryTooLow, mountFailed,
        pathRefused
    case sysctlFailed, hookFailed, seccompFailed, securityFailed, terminalFailed, initDied
    case workingDirectory, programNotFound, programNotExecutable, programFormat, interpreterMissing,
        loaderMissing
    case imageNotFound, imageDamaged, checkpointFailed

    /// The word: `container-exists`.
    package var description: String { text.name }

    /// What it means, a clause in lower case.
    package var meaning: String { text.meaning }

    /// Word and meaning.
    private var text: (name: String, meaning: String) {
        switch self {
        case .usage:
            ("usage", "the command line cannot be used: unknown verb or option, missing or malformed value")
        case .unsupported:
            ("unsupported", "what is asked for is well formed, and skiff or this host does not do it")
        case .permission:
            ("permission", "the kernel refuses it to this user (EPERM, EACCES), outside the steps below")
        case .notFound: ("not-found", "a file or thing that was named is not there, outside the steps below")
        case .inUse: ("in-use", "it belongs to something else that is in use: a volume, an image, a cgroup")
        case .hostExhausted:
            ("host-exhausted", "the host has run out of space, memory, descriptors or processes")
        case .kernelLacks: ("kernel-lacks", "this kernel lacks what is needed, whatever the step")
        case .callFailed:
            ("call-failed", "a system call failed for another reason, which `call` and `errno` tell")
        case .internalError:
            ("internal", "skiff contradicts itself or lost one of its processes; worth a report")
        case .containerExists: ("container-exists", "the id or name is taken")
        case .containerNotFound: ("container-not-found", "no container of that id or name")
        case .containerNotRunning: ("container-not-running", "the container has no running process any more")
        case .containerState: ("container-state", "the verb does not fit the container's status")
        case .containerBusy: ("container-busy", "another command creates, starts or deletes it right now")
        case .stateDamaged: ("state-damaged", "its state cannot be read, or its create did not finish")
        case .idInvalid: ("id-invalid", "the id or name has a form that is not accepted")
        case .bundleUnreadable:
            ("bundle-unreadable", "the bundle or its config.json cannot be opened or read")
        case .configInvalid: ("config-invalid", "the configuration is refused; `operand` is the field")
        case .namespaceFailed:
            ("namespace-failed", "a namespace cannot be made or joined, or its ids not be mapped")
        case .networkFailed: ("network-failed", "a network interface cannot be moved or set up")
        case .controllerMissing:
            ("controller-missing", "a limit needs a cgroup controller that this host has not")
        case .cgroupFailed: ("cgroup-failed", "the cgroup cannot be made, limited, read, frozen or removed")
        case .memoryTooLow: ("memory-too-low", "the container's memory limit is too low for its own start")
        case .mountFailed:
            ("mount-failed", "a mount, or another part of the root file system, cannot be made")
        case .pathRefused:
            ("path-refused", "a path would lead out of the container or cover what must stay visible")
        case .sysctlFailed: ("sysctl-failed", "a kernel parameter cannot be set")
        case .hookFailed:
            ("hook-failed", "a hook failed, or its time was over; `operand` is its place and path")
        case .seccompFailed:
            ("seccomp-failed", "the filter cannot be compiled or loaded, or its listener handed over")
        case .securityFailed:
            ("security-failed", "ids, capabilities, limits, labels or scheduling cannot be applied")
        case .terminalFailed: ("terminal-failed", "the terminal or the console socket cannot be used")
        case .initDied: ("init-died", "init was ended by something else before the program ran")
        case .workingDirectory:
            ("working-directory", "the program's working directory is missing or may not be entered")
        case .programNotFound: ("program-not-found", "the program is not there, along PATH or at its path")
        case .programNotExecutable: ("program-not-executable", "the program may not be executed")
        case .programFormat: ("program-format", "the program is for another machine, or no program")
        case .interpreterMissing:
            ("interpreter-missing", "the program that the script's first line names is missing")
        case .loaderMissing: ("loader-missing", "the dynamic loader that the program names is missing")
        case .imageNotFound: ("image-not-found", "no image of that name in the store")
        case .imageDamaged: ("image-damaged", "an image or archive is not what it says, or cannot be read")
        case .checkpointFailed: ("checkpoint-failed", "CRIU could not save or restore the container")
        }
    }

    /// The code for a refused call when its step has none of its own.
    package init(_ errno: Errno) {
        switch errno {
        case .EPERM, .EACCES: self = .permission
        case .ENOENT: self = .notFound
        case .ENOSYS: self = .kernelLacks
        case .ENOSPC, .EDQUOT, .EMFILE, .ENFILE, .ENOMEM, .EAGAIN: self = .hostExhausted
        default: self = .callFailed
        }
    }
}
