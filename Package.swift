// swift-tools-version: 6.2
import PackageDescription

#if canImport(Glibc)
    import Glibc
#endif

// Targets, settings and dependency arrows; nothing else. The layers and their direction are explained in
// docs/architecture.md; `make lint` compares every import with them.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // A single call of an algorithm from _StringProcessing links the whole regex engine: 2 MB in a static program.
    .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
    // Metadata of generic types is made by calling their makers, not by parsing their mangled names, which takes a
    // third of all instructions of a start; and each function is a section of its own, so that the linker can sort them.
    .unsafeFlags(
        [
            "-Xfrontend", "-disable-concrete-type-metadata-mangled-name-accessors",
            "-Xfrontend", "-function-sections",
        ], .when(configuration: .release)),
]
let tests: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
// Where `skiff` begins: before the C library, see CShims/CStart.
#if arch(x86_64)
    let start = ["-Xlinker", "--entry=skiff_start"]
#else
    let start: [String] = []
#endif
// What a container's start calls lies side by side in the file (see Tests/Benchmarks/order); only lld can do that.
let order = [
    "-use-ld=lld", "-Xlinker", "--no-warn-symbol-ordering", "-Xlinker",
    "--symbol-ordering-file=\(Context.packageDirectory)/scripts/functions.order",
]

// gzip by ISA-L where it is installed (`scripts/setup build` does), else by zlib; SKIFF_GZIP=zlib forces that.
let hasIgzip =
    Context.environment["SKIFF_GZIP"] != "zlib" && access("/usr/include/isa-l/igzip_lib.h", R_OK) == 0

func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}
func testsOf(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
        swiftSettings: tests)
}

let targets: [Target] = [
    // Layer 0: C
    .target(
        name: "CLinux", path: "CShims/CLinux",
        cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Wconversion", "-Werror"])]),
    .target(
        name: "CStart", path: "CShims/CStart",
        cSettings: [
            .unsafeFlags([
                "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffreestanding", "-fno-stack-protector",
            ])
        ]),
    .systemLibrary(
        name: "CSeccomp", path: "CShims/CSeccomp", pkgConfig: "libseccomp",
        providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(
        name: "CCapability", path: "CShims/CCapability", pkgConfig: "libcap",
        providers: [.apt(["libcap-dev"])]),
    .systemLibrary(
        name: "CArchive", path: "CShims/CArchive", pkgConfig: "libarchive",
        providers: [.apt(["libarchive-dev"])]),
    .target(
        name: "CCompression", path: "CShims/CCompression",
        cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Wconversion", "-Werror"])]
            + (hasIgzip ? [.define("SKIFF_IGZIP")] : []),
        linkerSettings: [.linkedLibrary(hasIgzip ? "isal" : "z"), .linkedLibrary("zstd")]),
    .systemLibrary(
        name: "CDigest", path: "CShims/CDigest", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // Layer 1: typed Linux and owning bindings
    layer("LinuxSystem", ["CLinux"]),
    layer("SeccompBinding", ["CSeccomp", "LinuxSystem"]),
    layer("CapabilityBinding", ["CCapability", "LinuxSystem"]),
    layer("ArchiveBinding", ["CArchive", "CCompression", "LinuxSystem"]),
    layer("DigestBinding", ["CDigest"]),
    // Layer 2: documents as types
    layer("JSONCoding", []),
    layer("RuntimeSpec", ["JSONCoding"]),
    layer("ImageSpec", ["JSONCoding"]),
    layer("CommandGrammar", []),
    layer("MessageBus", ["LinuxSystem"]),
    // Layer 3: mechanisms; they do not see each other
    layer("Namespaces", ["LinuxSystem", "RuntimeSpec"]),
    layer("Rootfs", ["LinuxSystem", "RuntimeSpec"]),
    layer("Cgroups", ["LinuxSystem", "RuntimeSpec", "JSONCoding", "MessageBus"]),
    layer("Security", ["LinuxSystem", "RuntimeSpec", "SeccompBinding", "CapabilityBinding"]),
    layer("ImageStore", ["LinuxSystem", "ImageSpec", "RuntimeSpec", "JSONCoding"]),
    // Layer 4: procedures
    layer(
        "ContainerInit",
        ["LinuxSystem", "RuntimeSpec", "JSONCoding", "Namespaces", "Rootfs", "Security"]),
    layer(
        "ContainerRuntime",
        [
            "ContainerInit", "Cgroups", "LinuxSystem", "RuntimeSpec", "JSONCoding", "Namespaces", "Rootfs",
            "Security", "CapabilityBinding",
        ]),
    layer(
        "Engine",
        [
            "ContainerRuntime", "ContainerInit", "ImageStore", "Cgroups", "ImageSpec", "LinuxSystem",
            "RuntimeSpec", "JSONCoding", "Rootfs", "Security", "CapabilityBinding",
        ]),
    layer(
        "ImageTransfer",
        [
            "ImageStore", "ImageSpec", "ArchiveBinding", "DigestBinding", "SeccompBinding", "LinuxSystem",
            "JSONCoding",
        ]),
    layer("KernelFeatures", ["Cgroups", "LinuxSystem", "JSONCoding"]),
    // Layer 5: command lines
    .executableTarget(
        name: "skiff",
        dependencies: [
            "Engine", "ContainerRuntime", "ContainerInit", "Cgroups", "ImageStore", "ImageSpec",
            "KernelFeatures",
            "LinuxSystem",
            "RuntimeSpec", "JSONCoding", "Security", "CommandGrammar", "Rootfs",
            "CapabilityBinding", "CStart",
        ],
        swiftSettings: strict,
        linkerSettings: [.unsafeFlags(["-static-executable"] + start + order)]),
    .executableTarget(
        name: "skiff-image",
        dependencies: [
            "ImageTransfer", "ImageStore", "ImageSpec", "LinuxSystem", "JSONCoding",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: strict,
        // ArgumentParser brings a part of Foundation, whose static form does not name what it needs.
        linkerSettings: [
            .unsafeFlags(["-static-stdlib"]), .linkedLibrary("FoundationEssentials"),
            .linkedLibrary("_FoundationCollections"), .linkedLibrary("_FoundationCShims"),
            .linkedLibrary("swiftSynchronization"),
        ]),
    // Tests
    testsOf("LinuxSystem"),
    testsOf("JSONCoding"),
    testsOf("RuntimeSpec", ["JSONCoding"]),
    testsOf("ImageSpec", ["JSONCoding"]),
    testsOf("CommandGrammar"),
    testsOf("MessageBus", ["LinuxSystem"]),
    testsOf("SeccompBinding", ["LinuxSystem"]),
    testsOf("CapabilityBinding", ["LinuxSystem"]),
    testsOf("ArchiveBinding", ["LinuxSystem"]),
    testsOf("DigestBinding"),
    testsOf("KernelFeatures"),
    testsOf("Namespaces", ["LinuxSystem", "RuntimeSpec", "JSONCoding"]),
    testsOf("Rootfs", ["LinuxSystem", "RuntimeSpec", "JSONCoding"]),
    testsOf("Cgroups", ["LinuxSystem", "RuntimeSpec", "JSONCoding", "MessageBus"]),
    testsOf("Security", ["LinuxSystem", "RuntimeSpec", "JSONCoding", "SeccompBinding"]),
    testsOf("ImageStore", ["LinuxSystem", "ImageSpec", "RuntimeSpec", "JSONCoding"]),
    testsOf(
        "ImageTransfer",
        ["ImageStore", "LinuxSystem", "ImageSpec", "JSONCoding", "ArchiveBinding", "DigestBinding"]),
    testsOf("ContainerInit", ["LinuxSystem"]),
    testsOf(
        "ContainerRuntime",
        [
            "LinuxSystem", "RuntimeSpec", "JSONCoding", "Cgroups", "Namespaces", "CapabilityBinding",
            "ContainerInit",
        ]),
    testsOf(
        "Engine",
        [
            "LinuxSystem", "ImageStore", "ImageSpec", "RuntimeSpec", "JSONCoding", "ContainerRuntime",
            "Cgroups",
        ]),
]

let package = Package(
    name: "skiff",
    products: [
        .executable(name: "skiff", targets: ["skiff"]),
        .executable(name: "skiff-image", targets: ["skiff-image"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: targets
)
