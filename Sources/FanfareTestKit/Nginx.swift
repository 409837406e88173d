import Foundation

/// A real nginx with the files of `nginx/`.
public final class Nginx: Sendable {
    /// What a test has otherwise than the files have it.
    public struct Change: Sendable {
        let file: String
        let from: String
        let to: String

        /// After so long, as nginx writes it, a silent connection is cut.
        public static func readTimeout(_ time: String) -> [Change] {
            [Change(file: "proxy.conf", from: "proxy_read_timeout 75s;", to: "proxy_read_timeout \(time);")]
        }

        /// One address has so many connections, also this machine.
        public static func connectionsPerAddress(_ count: Int) -> [Change] {
            [
                Change(
                    file: "nginx.conf", from: "limit_conn per_address 5000;", to: "limit_conn per_address \(count);"),
                Change(file: "maps.conf", from: "127.0.0.1 1;", to: "127.0.0.1 0;"),
            ]
        }

        /// It lets no WebSocket through.
        public static let noUpgrades = [
            Change(
                file: "server.conf", from: "location = /nginx-health {",
                to: "if ($http_upgrade ~* websocket) { return 403; }\nlocation = /nginx-health {")
        ]

        /// One worker has so many connections, to clients and nodes.
        public static func connections(_ count: Int) -> [Change] {
            [
                Change(file: "nginx.conf", from: "worker_processes auto;", to: "worker_processes 1;"),
                Change(file: "nginx.conf", from: "worker_connections 10000;", to: "worker_connections \(count);"),
            ]
        }
    }

    public let port: Int
    private let directory: String
    private let process: ChildProcess

    private init(port: Int, directory: String, process: ChildProcess) {
        self.port = port
        self.directory = directory
        self.process = process
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Starts one in front of servers on loopback.
    ///
    /// - Parameters:
    ///   - tlsFolder: what `Deploy/local-ca` made: it then speaks TLS to clients and servers.
    ///   - changes: what it has otherwise than the files.
    public static func start(
        ports: [Int], tlsFolder: String? = nil, changes: [Change] = []
    ) async throws -> Nginx {
        let port = FreePort.take()
        let directory = NSTemporaryDirectory() + "fanfare-nginx-\(port)-\(UInt32.random(in: 0...UInt32.max))"
        let layout = try ChildProcess(
            Repository.path + "/Deploy/nginx-local",
            [directory, "127.0.0.1:\(port)"] + ports.map { "127.0.0.1:\($0)" },
            environment: tlsFolder.map { ["TLS_DIR": $0] } ?? [:], name: "nginx-local")
        let tls = try tlsFolder.map { try TLSClient(caFile: $0 + "/ca.crt") }
        guard try await layout.waitForExit() == 0 else { throw NotInTime(what: "nginx-local\n\(layout.log)") }
        for change in changes {
            let file = directory + "/" + change.file
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let changed = text.replacing(change.from, with: change.to)
            guard changed != text else { throw NotInTime(what: "'\(change.from)' in \(file)") }
            try changed.write(toFile: file, atomically: true, encoding: .utf8)
        }
        let globals = try String(contentsOfFile: directory + "/globals", encoding: .utf8)
        let process = try ChildProcess(
            "/usr/sbin/nginx",
            ["-e", "stderr", "-p", directory, "-c", directory + "/nginx.conf", "-g", globals], name: "nginx")
        try await eventually("nginx answers\n\(process.log)") {
            guard process.isRunning else { throw NotInTime(what: "nginx has ended\n\(process.log)") }
            return (try? await HTTP.get(port, "/nginx-health", tls: tls))?.status == 200
        }
        return Nginx(port: port, directory: directory, process: process)
    }

    public var log: String { process.log }

    public func stop() async { await process.stop() }
}

/// Runs `body` with an nginx in front of servers on loopback, which ends with it, its workers too.
public func withNginx<Value>(
    ports: [Int], tlsFolder: String? = nil, changes: [Nginx.Change] = [], _ body: (Nginx) async throws -> Value
) async throws -> Value {
    let nginx = try await Nginx.start(ports: ports, tlsFolder: tlsFolder, changes: changes)
    do {
        let value = try await body(nginx)
        await nginx.stop()
        return value
    } catch {
        await nginx.stop()
        throw error
    }
}

/// Redis, nodes and nginx together.
public final class Cluster: Sendable {
    public let redis: RedisServer
    public let nodes: [Node]
    public let nginx: Nginx

    private init(redis: RedisServer, nodes: [Node], nginx: Nginx) {
        self.redis = redis
        self.nodes = nodes
        self.nginx = nginx
    }

    /// nginx' port.
    public var port: Int { nginx.port }

    fileprivate static func start(nodes count: Int, flags: [String]) async throws -> Cluster {
        let redis = try await RedisServer.start()
        var nodes: [Node] = []
        for number in 1...count {
            nodes.append(try await Node.start("node-\(number)", redis: redis.url, flags: flags))
        }
        return Cluster(redis: redis, nodes: nodes, nginx: try await Nginx.start(ports: nodes.map(\.port)))
    }

    /// A raw WebSocket through nginx that lands on that node.
    public func raw(_ channel: String, on node: Node) async throws -> WebSocketClient {
        for attempt in 0..<200 {
            let client = try await WebSocketClient.connect(port, "/channels/\(channel)/ws?route=r\(attempt)")
            if client.node == node.name { return client }
            await client.close()
        }
        throw NotInTime(what: "a route to \(node.name)")
    }

    fileprivate func stop() async {
        redis.thaw()
        for node in nodes {
            node.signal(SIGCONT)
            node.terminate()
        }
        for node in nodes { await node.stop() }
        await nginx.stop()
        await redis.stop()
    }
}

/// Runs `body` with a cluster that ends with it. A `ChildProcess` that is not reached here ends with its object.
public func withCluster<Value>(
    nodes: Int = 3, flags: [String] = [], _ body: (Cluster) async throws -> Value
) async throws -> Value {
    let cluster = try await Cluster.start(nodes: nodes, flags: flags)
    do {
        let value = try await body(cluster)
        await cluster.stop()
        return value
    } catch {
        await cluster.stop()
        throw error
    }
}
