import FanfareTestKit
import Foundation
import NIOCore
import Synchronization

/// The real things: redis-server with its data on disk, nodes, nginx. All of them end with ``stop()``, and with this
/// process whatever happens to it.
package final class ChaosStage: Sendable {
    let plan: ChaosPlan
    let control: ChaosControl
    let redis: RedisServer
    let nginx: Nginx
    let path: RedisPath
    private let nodes: Mutex<[Node]>
    private let eventLoop: any EventLoop
    private let logs = Mutex<[String]>([])

    private init(
        plan: ChaosPlan, control: ChaosControl, redis: RedisServer, nginx: Nginx, path: RedisPath, nodes: [Node],
        eventLoop: any EventLoop
    ) {
        self.plan = plan
        self.control = control
        self.redis = redis
        self.nginx = nginx
        self.path = path
        self.nodes = Mutex(nodes)
        self.eventLoop = eventLoop
    }

    static func start(_ plan: ChaosPlan, control: ChaosControl, on eventLoop: any EventLoop) async throws -> ChaosStage
    {
        OpenFiles.allow(4_096)
        let network = plan.usesNamespaces ? try await RedisNetwork.make(links: plan.nodes) : nil
        do {
            let redis = try await RedisServer.start(
                .init(
                    arguments: [
                        "--bind", "0.0.0.0", "--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always",
                        "--maxmemory-policy", "noeviction",
                    ],
                    launcher: network?.launcher ?? []))
            let path: RedisPath
            if let network {
                path = .network(network)
            } else {
                path = .relay(try await RedisRelay.start(links: plan.nodes, to: redis.port))
            }
            let nodes = try await startNodes(plan, redis, path)
            let nginx = try await Nginx.start(ports: nodes.map(\.port))
            return ChaosStage(
                plan: plan, control: control, redis: redis, nginx: nginx, path: path, nodes: nodes,
                eventLoop: eventLoop)
        } catch {
            await network?.remove()
            throw error
        }
    }

    var ports: [Int] { nodes.withLock { $0.map(\.port) } }
    var adminPorts: [Int] { nodes.withLock { $0.map(\.adminPort) } }

    func node(_ index: Int) -> Node { nodes.withLock { $0[index] } }

    /// Whether that node says that it should get traffic.
    func isReady(_ index: Int) async -> Bool {
        await AdminPort(eventLoop: eventLoop, port: adminPorts[index]).isReady()
    }

    /// How many nodes are ready.
    func readyCount() async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<plan.nodes { group.addTask { await self.isReady(index) } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    /// Starts a node that has ended, on its ports.
    func restart(_ index: Int) async throws {
        let old = node(index)
        let text = "\(old.name) (pid \(old.pid))\n\(old.log)\n"
        logs.withLock { $0.append(text) }
        let new = try await Node.start(
            old.name, redis: path.url(index, port: redis.port), flags: plan.flags, port: old.port,
            adminPort: old.adminPort, isReady: false)
        nodes.withLock { $0[index] = new }
    }

    /// Redis loses everything; it must not run.
    func emptyRedis() throws {
        let files = FileManager.default
        for name in try files.contentsOfDirectory(atPath: redis.directory)
        where name.hasPrefix("appendonly") || name.hasSuffix(".rdb") {
            try files.removeItem(atPath: redis.directory + "/" + name)
        }
    }

    /// What the processes said, those that have ended too.
    var log: String {
        let running = nodes.withLock { $0.map { "\($0.name) (pid \($0.pid))\n\($0.log)\n" } }
        return (logs.withLock(\.self) + running + ["redis-server\n\(redis.log)\n", "nginx\n\(nginx.log)\n"])
            .joined(separator: "\n")
    }

    func stop() async {
        redis.thaw()
        let nodes = nodes.withLock(\.self)
        for node in nodes {
            node.signal(SIGCONT)
            node.terminate()
        }
        for node in nodes { await node.stop() }
        await nginx.stop()
        await redis.stop()
        await path.remove()
    }

    private static func startNodes(
        _ plan: ChaosPlan, _ redis: RedisServer, _ path: RedisPath
    ) async throws -> [Node] {
        try await withThrowingTaskGroup(of: (Int, Node).self) { group in
            for index in 0..<plan.nodes {
                group.addTask {
                    let url = path.url(index, port: redis.port)
                    return (index, try await Node.start("node-\(index + 1)", redis: url, flags: plan.flags))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
