// swift-tools-version: 6.2
import PackageDescription

var strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    // Hub and wire are generic over what the server puts in: specialized across modules, a delivery costs a third. Debug
    // builds, in which all tests run, check exclusive access at run time; a delivery would pay as much again for it.
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

// `make fuzz` sets it: our modules, and nobody else's, get what libFuzzer and AddressSanitizer need.
let isFuzzing = Context.environment["FANFARE_FUZZ"] != nil
if isFuzzing {
    strict = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .unsafeFlags([
            "-sanitize=fuzzer,address", "-parse-as-library", "-enable-testing", "-assert-config", "Debug",
            "-enforce-exclusivity=checked",
        ]),
    ]
}

// Under the fuzzer, what judges the parsers is checked for memory errors and not covered: libFuzzer shall look for new ways
// through the parsers, not through this.
let judging: [SwiftSetting] =
    isFuzzing
    ? [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=address"])]
    : strict

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "fanfare",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fanfare", targets: ["fanfare"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        // Comes with async-http-client in any case.
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.40.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(
            url: "https://github.com/apple/swift-configuration",
            from: "1.4.0",
            traits: ["JSON", "YAML"]
        ),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird",
            from: "2.28.0",
            traits: ["FullFoundation"]
        ),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.1.0"),
        // The next two come with jwt-kit in any case.
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSocket"),
        .target(name: "FanfareWire", dependencies: ["CZlib", nioCore], swiftSettings: strict),
        .target(name: "FanfareCore", dependencies: ["FanfareWire", nioCore], swiftSettings: strict),
        .target(
            name: "FanfareProtocols", dependencies: ["FanfareCore", "FanfareWire", nioCore], swiftSettings: strict),
        .target(
            name: "FanfareRedis",
            dependencies: [
                "CHiredis", "FanfareCore", "FanfareWire", nioCore, nioPosix, logging,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FanfareAuth",
            dependencies: [
                "FanfareCore", "FanfareWire", nioCore, logging,
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FanfareServer",
            dependencies: [
                "CSocket", "FanfareAuth", "FanfareRedis", "FanfareProtocols", "FanfareCore", "FanfareWire", nioCore,
                nioPosix, nioHTTP1, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("Page/index.html")],
            swiftSettings: strict
        ),
        .target(
            name: "FanfareBench",
            dependencies: [
                "FanfareRedis", "FanfareWire", nioCore, nioPosix,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FanfareChaos",
            dependencies: ["FanfareBench", "FanfareWire", "FanfareTestKit", nioCore, nioPosix],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "fanfare-chaos",
            dependencies: [
                "FanfareChaos",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "fanfare",
            dependencies: [
                "FanfareBench", "FanfareServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FanfareTestKit",
            dependencies: [
                "FanfareWire", nioCore, nioPosix, .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: judging
        ),
        .testTarget(
            name: "FanfareWireTests", dependencies: ["FanfareProtocols", "FanfareWire", "FanfareTestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "FanfareCoreTests",
            dependencies: ["FanfareProtocols", "FanfareCore", "FanfareWire", "FanfareTestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "FanfareProtocolsTests",
            dependencies: ["FanfareProtocols", "FanfareCore", "FanfareWire", "FanfareTestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "FanfareRedisTests",
            dependencies: [
                "FanfareRedis", "FanfareProtocols", "FanfareCore", "FanfareWire", "FanfareTestKit", nioCore, logging,
            ],
            exclude: ["Recorded"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FanfareAuthTests",
            dependencies: [
                "FanfareAuth", "FanfareCore", "FanfareWire", "FanfareTestKit", nioCore, nioPosix, logging,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FanfareServerTests",
            dependencies: [
                "FanfareServer", "FanfareAuth", "FanfareProtocols", "FanfareCore", "FanfareWire", "FanfareTestKit",
                nioCore,
                nioPosix,
                logging,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FanfareBenchTests",
            dependencies: [
                "FanfareBench", "FanfareRedis", nioCore,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "FanfareWire", "FanfareTestKit", "FanfareAuth", "fanfare", nioCore,
                .product(name: "JWTKit", package: "jwt-kit"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "FaultTests", dependencies: ["FanfareChaos", "fanfare", nioCore], swiftSettings: strict),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "FanfareServer", "FanfareProtocols", "FanfareCore", "FanfareWire", "FanfareTestKit", "fanfare", nioCore,
            ],
            exclude: [
                "browser.py", "command_check.py", "cors_check.py", "crowded_check.py", "deflate_check.py",
                "delta_check.py", "docs_pages_check.py", "emulation_check.py", "emulation_protobuf_check.py",
                "eventsource_check.py", "fallback_check.py", "filter_check.py", "graphql_check.py", "graphql_oracle.py",
                "http2_check.py", "messagepack_reference.py", "mqtt_check.py", "page_check.py", "presence_check.py",
                "protobuf_check.py",
                "protobuf_reference.py", "rate_check.py", "recovery_check.py", "sdk.py", "sdk_check.py",
                "socketio_browser_check.py", "socketio_check.py", "socketio_emitter_check.py", "sockjs_check.js",
                "sockjs_check.py", "sse_check.py", "stage.py", "stomp_check.py", "tabs_check.py", "token_check.py",
                "user_limit_check.py",
            ],
            swiftSettings: strict
        ),
    ]
)

if isFuzzing {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
        .executableTarget(
            name: "fanfare-fuzz",
            dependencies: [
                "CLibFuzzer", "FanfareServer", "FanfareAuth", "FanfareRedis", "FanfareProtocols", "FanfareCore",
                "FanfareWire", "FanfareTestKit", nioCore, logging,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ],
            path: "Fuzz",
            exclude: ["CLibFuzzer", "Corpus", "Dictionaries", "Regressions", "run.py"],
            swiftSettings: judging,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
        ),
    ]
}
