import Foundation

/// A Redis Cluster on loopback: three masters with a replica each, real processes.
public final class RedisClusterServers: Sendable {
    public let servers: [RedisServer]

    private init(_ servers: [RedisServer]) { self.servers = servers }

    /// Starts all and waits until every node finds the cluster whole.
    public static func start(password: String? = nil) async throws -> RedisClusterServers {
        var servers: [RedisServer] = []
        var addresses: [String] = []
        for _ in 0..<6 {
            let bus = FreePort.take()
            let login = password.map { ["--requirepass", $0, "--masterauth", $0] } ?? []
            servers.append(
                try await RedisServer.start(
                    .init(
                        arguments: [
                            "--cluster-enabled", "yes", "--cluster-port", "\(bus)", "--cluster-node-timeout", "5000",
                        ] + login, password: password)))
            addresses.append("127.0.0.1:\(servers[servers.count - 1].port)@\(bus)")
        }
        let cluster = RedisClusterServers(servers)
        let answer = try await servers[0].tool(
            ["--cluster", "create"] + addresses + ["--cluster-replicas", "1", "--cluster-yes"])
        guard answer.contains("All 16384 slots covered") else { throw NotInTime(what: "a cluster\n\(answer)") }
        for server in servers {
            try await eventually(within: .seconds(60), "the cluster is whole at \(server.port)") {
                try await Task.sleep(for: .milliseconds(200))
                let info = try await server.command("CLUSTER", "INFO")
                let slots = try await server.command("CLUSTER", "SLOTS")
                return info.contains("cluster_state:ok") && slots.split(separator: "\n").count >= 3 * 8
            }
        }
        // A replica that has not copied its master yet can't take over.
        for server in servers {
            try await eventually(within: .seconds(60), "replicas are in step") {
                try await Task.sleep(for: .milliseconds(200))
                let role = try await server.command("ROLE")
                return role.hasPrefix("master") || role.contains("connected")
            }
        }
        return cluster
    }

    /// Those that own slots now, or could.
    public func masters() async throws -> [RedisServer] {
        var masters: [RedisServer] = []
        for server in servers where try await server.command("ROLE").hasPrefix("master") { masters.append(server) }
        return masters
    }

    /// Node ids by what `CLUSTER MYID` says.
    public func id(_ server: RedisServer) async throws -> String { try await server.command("CLUSTER", "MYID") }

    /// The server that owns the slot of a key or channel, as another one than `asking` knows it.
    public func owner(of name: String, notAsking dead: RedisServer? = nil) async throws -> RedisServer {
        let asked = servers.first { $0 !== dead } ?? servers[0]
        let slot = try await asked.command("CLUSTER", "KEYSLOT", name)
        let nodes = try await asked.command("CLUSTER", "NODES")
        for line in nodes.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 8, fields[2].contains("master"), !fields[2].contains("fail"), let slot = Int(slot),
                let port = fields[1].split(separator: "@").first?.split(separator: ":").last.flatMap({ Int($0) })
            else { continue }
            let isOwner = fields[8...].contains { range in
                let ends = range.split(separator: "-").compactMap { Int($0) }
                return ends.count > 0 && ends[0] <= slot && slot <= ends[ends.count - 1]
            }
            if isOwner, let server = servers.first(where: { $0.port == port }) { return server }
        }
        throw NotInTime(what: "an owner of \(name)\n\(nodes)")
    }

    /// Moves that many slots, the lowest ones first.
    public func reshard(_ count: Int, from source: RedisServer, to target: RedisServer) async throws {
        let answer = try await source.tool([
            "--cluster", "reshard", "127.0.0.1:\(source.port)", "--cluster-from", try await id(source),
            "--cluster-to", try await id(target), "--cluster-slots", "\(count)", "--cluster-yes",
        ])
        guard !answer.contains("[ERR]") else { throw NotInTime(what: "a reshard\n\(answer)") }
    }

    public func stop() async {
        await withTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await server.kill() } }
        }
    }
}

/// Runs `body` with a cluster of its own, which ends with it.
public func withRedisCluster(
    password: String? = nil, _ body: (RedisClusterServers) async throws -> Void
) async throws {
    let cluster = try await RedisClusterServers.start(password: password)
    do {
        try await body(cluster)
        await cluster.stop()
    } catch {
        await cluster.stop()
        throw error
    }
}
