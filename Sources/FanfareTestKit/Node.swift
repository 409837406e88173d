import Foundation

/// A real node process, started with `fanfare serve`.
public final class Node: Sendable {
    public let name: String
    public let port: Int
    public let adminPort: Int
    /// What started it: its program and the arguments.
    public let command: [String]
    private let process: ChildProcess

    private init(name: String, port: Int, adminPort: Int, command: [String], process: ChildProcess) {
        self.name = name
        self.port = port
        self.adminPort = adminPort
        self.command = command
        self.process = process
    }

    /// Starts a node in `--dev` and waits until it is ready. It sends no pings unless `flags` say so.
    ///
    /// - Parameters:
    ///   - command: `serve`, or another that takes the same options.
    ///   - redis: URL; `nil`: the broker in memory.
    ///   - flags: further flags.
    ///   - isReady: whether to wait until it is ready, or only until it answers.
    public static func start(
        _ name: String = "node", command: String = "serve", redis: String? = nil, flags: [String] = [],
        environment: [String: String] = [:], port: Int? = nil, adminPort: Int? = nil, dev: Bool = true,
        isReady: Bool = true
    ) async throws -> Node {
        let (port, adminPort) = (port ?? FreePort.take(), adminPort ?? FreePort.take())
        var arguments = [
            command, "--node-name", name, "--host", "127.0.0.1", "--port", "\(port)", "--admin-port", "\(adminPort)",
            "--loops", "2", "--drain", "300ms",
        ]
        if dev { arguments.append("--dev") }
        if let redis { arguments += ["--redis", redis] }
        var environment = environment
        // Clients of a test that does something else meanwhile answer no ping, and the first may come at once. Those of Engine.IO are
        // pinged in any case.
        if !flags.contains("--ping-interval") {
            environment["FANFARE_PING_INTERVAL"] = "off"
            environment["FANFARE_PONG_TIMEOUT"] = "10m"
        }
        let process = try ChildProcess(FanfareBinary.path, arguments + flags, environment: environment, name: name)
        let node = Node(
            name: name, port: port, adminPort: adminPort, command: [FanfareBinary.path] + arguments + flags,
            process: process)
        try await eventually("\(name) is up\n\(process.log)") {
            guard process.isRunning else { throw NotInTime(what: "\(name) has ended\n\(process.log)") }
            guard let answer = try? await HTTP.get(adminPort, "/readyz") else { return false }
            return answer.status == 200 || !isReady
        }
        return node
    }

    public var isRunning: Bool { process.isRunning }
    public var log: String { process.log }
    public var pid: Int32 { process.pid }

    /// Gives the running node fewer descriptors than it was started with.
    public func limitOpenFiles(_ count: Int) async throws {
        let tool = try ChildProcess(
            "prlimit", ["--pid", "\(pid)", "--nofile=\(count):\(count)"], environment: [:], name: "prlimit")
        let status = try await tool.waitForExit()
        precondition(status == 0, tool.log)
    }

    /// A WebSocket on a channel, raw.
    public func raw(_ channel: String, receiveBuffer: Int? = nil) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port, "/channels/\(channel)/ws", receiveBuffer: receiveBuffer)
    }

    /// A Centrifuge client.
    public func centrifuge() async throws -> CentrifugeClient { try await CentrifugeClient.connect(port) }

    /// Publishes through the server API.
    @discardableResult
    public func publish(_ channel: String, _ data: String) async throws -> HTTPAnswer {
        try await HTTP.post(adminPort, "/api/publish", "{\"channel\":\"\(channel)\",\"data\":\(data)}")
    }

    /// A metric's value; with labels as they stand in the exposition, as in `fanfare_disconnects_total{code="3008"}`.
    public func metric(_ name: String) async throws -> Double {
        let text = try await HTTP.get(adminPort, "/metrics").body
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + " ") }),
            let value = Double(line.dropFirst(name.count + 1))
        else { throw NotInTime(what: "metric \(name)") }
        return value
    }

    /// Whether it says that it should get traffic.
    public func isReady() async -> Bool { (try? await HTTP.get(adminPort, "/readyz"))?.status == 200 }

    public func terminate() { process.signal(SIGTERM) }
    public func signal(_ number: Int32) { process.signal(number) }
    public func kill() async { await process.kill() }
    public func stop() async { await process.stop() }

    @discardableResult
    public func waitForExit(within limit: Duration = patience) async throws -> Int32 {
        try await process.waitForExit(within: limit)
    }
}

/// Where the program under test is.
public enum FanfareBinary {
    /// Beside the running test bundle, or what `FANFARE_BINARY` says.
    public static var path: String {
        if let path = ProcessInfo.processInfo.environment["FANFARE_BINARY"] { return path }
        let candidates = [CommandLine.arguments.first ?? "", Bundle.main.executablePath ?? ""] + CommandLine.arguments
        for candidate in candidates {
            var directory = URL(fileURLWithPath: candidate).deletingLastPathComponent()
            for _ in 0..<3 {
                let path = directory.appendingPathComponent("fanfare").path
                if FileManager.default.isExecutableFile(atPath: path) { return path }
                directory.deleteLastPathComponent()
            }
        }
        return Repository.path + "/.build/debug/fanfare"
    }
}

/// The checkout that the tests were built from.
public enum Repository {
    public static let path = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
}

/// Runs `body` with a node that ends with it.
public func withNode<Value>(
    _ name: String = "node", redis: String? = nil, flags: [String] = [], dev: Bool = true, isReady: Bool = true,
    _ body: (Node) async throws -> Value
) async throws -> Value {
    let node = try await Node.start(name, redis: redis, flags: flags, dev: dev, isReady: isReady)
    do {
        let value = try await body(node)
        await node.stop()
        return value
    } catch {
        await node.stop()
        throw error
    }
}
