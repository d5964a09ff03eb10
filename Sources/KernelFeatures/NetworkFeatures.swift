internal import LinuxSystem

extension KernelFeature {
    static var network: [KernelFeature] {
        [
            KernelFeature(
                "net.netlink", .network, .recommended, since: "2.2",
                for: "linux.netDevices, and the loopback interface",
                without: "no interface is moved into a container",
                .process { () throws(SyscallError) in
                    try Sandbox.gainRights()
                    try unshare(.newNetwork)
                    try bringInterfaceUp("lo")
                    let socket = try RouteSocket()
                    return try socket.link(named: "lo") != nil ? .present : .absent("no loopback interface")
                }),
            KernelFeature(
                "net.seqpacket", .network, .required, since: "2.6.4",
                for: "the conversation of the runtime and a container's first process",
                without: "nothing starts",
                .process { () throws(SyscallError) in
                    let pair = try SequencedSocket.pair()
                    let ends = pair.ends()
                    try BorrowedFD(rawValue: ends.first).sendMessage([1])
                    let message = try BorrowedFD(rawValue: ends.second).receiveMessage(max: 8)
                    return message.bytes == [1] ? .present : .absent("another message came")
                }),
        ]
    }
}
