import FanfareTestKit
import Foundation
import Testing

/// What a new user meets first: starting, the words of the log, the words of errors.
@Suite("First steps")
struct FirstStepsTests {
    /// Runs the program to its end.
    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, log: String) {
        let process = try ChildProcess(FanfareBinary.path, arguments, environment: environment, name: "fanfare")
        let status = try await process.waitForExit()
        // It says all in one write, which may be read a moment later.
        try await eventually("what it said is read") { process.log.hasSuffix("\n") }
        return (status, process.log)
    }

    @Test("a node says where it listens, and that it is ready only when /readyz says so")
    func ready() async throws {
        try await withRedis { redis in
            await redis.kill()
            try await withNode(redis: redis.url, isReady: false) { node in
                try await eventually("it says what it waits for") { node.log.contains("listening; waiting for Redis") }
                #expect(node.log.contains("http://127.0.0.1:\(node.port)"))
                #expect(node.log.contains("everybody who reaches http://127.0.0.1:\(node.port) may connect"))
                #expect(!node.log.contains("ready for clients"))
                try await redis.restart()
                try await eventually("it is ready") { await node.isReady() }
                try await eventually("it says so") { node.log.contains("ready for clients") }
                await redis.kill()
                try await eventually("it says that it is not") {
                    node.log.contains("not ready for clients") && node.log.contains("problems=redis")
                }
                #expect(node.log.components(separatedBy: "not ready for clients").count == 2)
            }
        }
    }

    @Test("a node alone is ready at once and says so")
    func alone() async throws {
        try await withNode { node in
            try await eventually("it says so") { node.log.contains("ready for clients") }
            #expect(node.log.contains(" listening") && !node.log.contains("waiting for Redis"))
        }
    }

    @Test(
        "an IPv6 address is in brackets in the log, and fanfare health finds a node there",
        .enabled(if: IPv6.hasLoopback))
    func addresses() async throws {
        let admin = FreePort.take()
        let arguments = ["--host", "::1", "--port", "0", "--admin-host", "::1", "--admin-port", "\(admin)"]
        let node = try ChildProcess(FanfareBinary.path, ["serve"] + arguments, name: "node")
        try await eventually("it listens") { node.log.contains("listening") }
        #expect(node.log.contains("http://[::1]:") && node.log.contains("admin=http://[::1]:\(admin)"), "\(node.log)")
        let health = try await run(
            ["health"], environment: ["FANFARE_ADMIN_HOST": "::1", "FANFARE_ADMIN_PORT": "\(admin)"])
        #expect(health.status == 0 && health.log.contains(#"200 {"status":"ok""#), "\(health.log)")
        await node.kill()
        let gone = try await run(["health", "--admin-host", "::1", "--admin-port", "\(admin)"])
        #expect(gone.status == 1)
        #expect(gone.log.contains("no answer from http://[::1]:\(admin)/healthz: connection refused"), "\(gone.log)")
    }

    @Test("a port that is taken is told in plain words, the public one and the admin one")
    func taken() async throws {
        try await withNode { node in
            for (option, port, name) in [("--port", node.port, "public"), ("--admin-port", node.adminPort, "admin")] {
                var arguments = ["serve", "--host", "127.0.0.1"]
                for free in ["--port", "--admin-port"] { arguments += [free, free == option ? "\(port)" : "0"] }
                let second = try await run(arguments)
                #expect(second.status == 1)
                let words =
                    "error: cannot listen on the \(name) port 127.0.0.1:\(port): address already in use; end what listens "
                    + "there, or choose another with \(option)"
                #expect(second.log.contains(words), "\(second.log)")
                #expect(!second.log.contains("errno"), "\(second.log)")
            }
        }
    }

    @Test("all mistakes of a command line are told at once, also a number below zero and a value that is missing")
    func mistakes() async throws {
        let result = try await run(["serve", "--port", "abc", "--max-connections", "-3", "--drain", "--dev"])
        #expect(result.status == 78, "\(result.log)")
        #expect(result.log.contains("the configuration has 3 problems"), "\(result.log)")
        for words in [
            "flag --port: 'abc' is not a whole number", "flag --max-connections: '-3' is out of range",
            "flag --drain: '' is not a duration",
        ] { #expect(result.log.contains(words), "\(result.log)") }
    }

    @Test("config check on an empty environment says that nobody may connect")
    func check() async throws {
        let result = try await run(["config", "check"])
        #expect(result.status == 0)
        #expect(result.log.contains("warning: nobody may connect") && result.log.contains("401"), "\(result.log)")
        let strict = try await run(["config", "check", "--strict"])
        #expect(strict.status == 1)
        let url = try await run(["config", "check"], environment: ["FANFARE_REDIS_URL": "redis://h"])
        #expect(url.log.contains("did you mean FANFARE_REDIS?"), "\(url.log)")
    }

    @Test("make run listens on this machine only, unless it is told otherwise")
    func makeRun() async throws {
        let make = try ChildProcess("make", ["-n", "-C", Repository.path, "run", "FLAGS=--port 8001"], name: "make")
        #expect(try await make.waitForExit() == 0)
        try await eventually("it would start on loopback: \(make.log)") {
            make.log.contains("fanfare serve --dev --host 127.0.0.1 --port 8001")
        }
    }

    @Test("make builds the binary when a source is newer or gone, and not otherwise")
    func makeRelease() async throws {
        let files = FileManager.default
        let tree = NSTemporaryDirectory() + "fanfare-make-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? files.removeItem(atPath: tree) }
        try files.createDirectory(atPath: tree + "/Sources/a", withIntermediateDirectories: true)
        try files.createDirectory(atPath: tree + "/.build/release", withIntermediateDirectories: true)
        try files.copyItem(atPath: Repository.path + "/Makefile", toPath: tree + "/Makefile")
        for file in ["Package.swift", "Sources/a/a.swift", "Sources/a/b.swift", ".build/release/fanfare"] {
            try "x".write(toFile: "\(tree)/\(file)", atomically: true, encoding: .utf8)
        }
        func age(_ file: String, _ seconds: Double) throws {
            try files.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: "\(tree)/\(file)")
        }
        let build = "swift build -c release --product fanfare"
        /// What make would do, as soon as it has said something that is in `words`.
        func make(_ target: String, until words: [String]) async throws -> String {
            let make = try ChildProcess("make", ["-n", "-C", tree, target], environment: ["LC_ALL": "C"], name: "make")
            #expect(try await make.waitForExit() == 0, "\(make.log)")
            try await eventually("it says what it would do: \(make.log)") { words.contains { make.log.contains($0) } }
            return make.log
        }
        func builds() async throws -> Bool {
            try await make("release", until: [build, "Nothing to be done"]).contains(build)
        }
        for old in ["Package.swift", "Sources", "Sources/a", "Sources/a/a.swift", "Sources/a/b.swift"] {
            try age(old, 100)
        }
        try age(".build/release/fanfare", 50)
        #expect(try await !builds(), "an unchanged tree is built again")
        // These start the binary, as their last line says.
        for (target, last) in [("cluster", "exec Deploy/cluster"), ("run", "exec .build/release/fanfare serve")] {
            #expect(try await !make(target, until: [last]).contains("swift build"), "make \(target) builds again")
        }
        try age("Sources/a/a.swift", 10)
        #expect(try await builds(), "a source that is newer is not built")
        try age("Sources/a/a.swift", 100)
        try files.removeItem(atPath: tree + "/Sources/a/b.swift")
        #expect(try await builds(), "a source that is gone is not noticed")
        try age("Sources/a", 100)
        try files.removeItem(atPath: tree + "/.build/release/fanfare")
        #expect(try await builds(), "a binary that is not there is not built")
    }

    @Test("rediss:// to a port without TLS, and redis:// to one with it, say so")
    func tlsMixedUp() async throws {
        try await withRedis { redis in
            let url = redis.url.replacing("redis://", with: "rediss://")
            try await withNode(redis: url, flags: ["--redis-timeout", "500ms"], isReady: false) { node in
                var body = ""
                try await eventually("it says what is wrong") {
                    body = try await HTTP.get(node.adminPort, "/readyz").body
                    return body.contains("is this a port without TLS?")
                }
                #expect(body.contains("TLS") && !body.contains("log-in"), "\(body)")
            }
        }
        try await withRedis(.init(tls: true)) { redis in
            let url = redis.url.replacing("rediss://", with: "redis://")
            try await withNode(redis: url, flags: ["--redis-timeout", "500ms"], isReady: false) { node in
                try await eventually("it says what is wrong") {
                    try await HTTP.get(node.adminPort, "/readyz").body.contains("rediss")
                }
            }
        }
    }
}
