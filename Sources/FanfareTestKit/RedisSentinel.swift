import Foundation

/// A master, a replica and three sentinels that watch them; real processes on loopback.
public final class RedisSentinels: Sendable {
    /// What the sentinels call the master.
    public static let masterName = "mymaster"

    public let master: RedisServer
    public let replica: RedisServer
    public let ports: [Int]
    private let directory: String
    private let sentinels: [ChildProcess]

    private init(
        master: RedisServer, replica: RedisServer, ports: [Int], directory: String, sentinels: [ChildProcess]
    ) {
        self.master = master
        self.replica = replica
        self.ports = ports
        self.directory = directory
        self.sentinels = sentinels
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Starts all and waits until the sentinels know each other and the replica.
    ///
    /// - Parameters:
    ///   - password: of both Redis.
    ///   - sentinelPassword: of the sentinels.
    public static func start(password: String? = nil, sentinelPassword: String? = nil) async throws -> RedisSentinels {
        let login = password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
        let master = try await RedisServer.start(.init(arguments: login))
        let replica = try await RedisServer.start(
            .init(arguments: login + ["--replicaof", "127.0.0.1", "\(master.port)"]))
        let directory = NSTemporaryDirectory() + "fanfare-sentinel-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let ports = (0..<3).map { _ in FreePort.take() }
        var sentinels: [ChildProcess] = []
        for port in ports {
            var lines = [
                "port \(port)", "bind 127.0.0.1", "dir \(directory)",
                "sentinel monitor \(masterName) 127.0.0.1 \(master.port) 2",
                "sentinel down-after-milliseconds \(masterName) 5000", "sentinel failover-timeout \(masterName) 5000",
            ]
            if let password { lines.append("sentinel auth-pass \(masterName) \(password)") }
            if let sentinelPassword { lines.append("requirepass \(sentinelPassword)") }
            // Sentinels keep what they learn in their file.
            let file = "\(directory)/\(port).conf"
            try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            sentinels.append(try ChildProcess("redis-server", [file, "--sentinel"], name: "sentinel"))
        }
        let group = RedisSentinels(
            master: master, replica: replica, ports: ports, directory: directory, sentinels: sentinels)
        let login2 = sentinelPassword.map { ["-a", $0, "--no-auth-warning"] } ?? []
        for port in ports {
            try await eventually("sentinel \(port) is ready\n\(sentinels[0].log)") {
                // Each look is two processes, and sentinels look at each other every few seconds.
                try await Task.sleep(for: .milliseconds(300))
                let quorum = try await cli(port, login2 + ["SENTINEL", "CKQUORUM", masterName])
                let replicas = try await cli(port, login2 + ["SENTINEL", "REPLICAS", masterName])
                return quorum.contains("3 usable") && replicas.contains("\(replica.port)")
                    && replicas.contains("master-link-status\nok")
            }
        }
        return group
    }

    /// `host:port,…/mymaster`: what follows the login in a URL.
    public var authority: String {
        ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") + "/\(Self.masterName)"
    }

    /// Ends one of the sentinels.
    public func killSentinel(_ index: Int) async { await sentinels[index].kill() }

    /// Makes the replica the master while the old one lives on.
    public func failOver() async throws {
        let answer = try await Self.cli(ports[0], ["SENTINEL", "FAILOVER", Self.masterName])
        guard answer == "OK" else { throw NotInTime(what: "a failover: \(answer)") }
    }

    public func stop() async {
        for sentinel in sentinels { await sentinel.kill() }
        await replica.stop()
        await master.stop()
    }

    private static func cli(_ port: Int, _ arguments: [String]) async throws -> String {
        let child = try ChildProcess("redis-cli", ["-p", "\(port)"] + arguments, name: "redis-cli")
        try await child.waitForExit()
        try await eventually("redis-cli has printed") { !child.log.isEmpty }
        return child.log.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Runs `body` with sentinels of its own, which end with it.
public func withSentinels(
    password: String? = nil, sentinelPassword: String? = nil, _ body: (RedisSentinels) async throws -> Void
) async throws {
    let group = try await RedisSentinels.start(password: password, sentinelPassword: sentinelPassword)
    do {
        try await body(group)
        await group.stop()
    } catch {
        await group.stop()
        throw error
    }
}
