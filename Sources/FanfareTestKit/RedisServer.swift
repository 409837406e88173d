import Foundation
import Synchronization

/// A real redis-server on loopback, without persistence, in a directory of its own.
public final class RedisServer: Sendable {
    /// What makes it special.
    public struct Options: Sendable {
        /// Further arguments of redis-server.
        public var arguments: [String] = []
        /// TLS on the port, with a certificate of a throw-away authority.
        public var tls = false
        /// A Unix socket besides the port.
        public var unixSocket = false
        /// For redis-cli; the server gets it by its arguments.
        public var password: String?
        /// What it is started with, as `ip netns exec NAME`; `redis-cli`, too.
        public var launcher: [String] = []

        public init(
            arguments: [String] = [], tls: Bool = false, unixSocket: Bool = false, password: String? = nil,
            launcher: [String] = []
        ) {
            self.launcher = launcher
            self.arguments = arguments
            self.tls = tls
            self.unixSocket = unixSocket
            self.password = password
        }
    }

    public let port: Int
    public let directory: String
    private let options: Options
    private let process: Mutex<ChildProcess?>

    /// `redis://127.0.0.1:port`.
    public var url: String { "\(options.tls ? "rediss" : "redis")://127.0.0.1:\(port)" }
    /// What redis-cli and clients need to log in.
    public var password: String? { options.password }
    /// The authority of its certificate.
    public var caFile: String { "\(directory)/ca.crt" }
    public var socketPath: String { "\(directory)/redis.sock" }

    private init(_ options: Options) throws {
        self.options = options
        port = FreePort.take()
        directory = NSTemporaryDirectory() + "fanfare-redis-\(port)-\(UInt32.random(in: 0...UInt32.max))"
        process = Mutex(nil)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Starts one and waits until it answers.
    public static func start(_ options: Options = Options()) async throws -> RedisServer {
        let server = try RedisServer(options)
        if options.tls { try await server.makeCertificates() }
        try await server.restart()
        return server
    }

    /// Starts it again on the same port, after ``kill()``.
    public func restart() async throws {
        var arguments = [
            "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory, "--enable-debug-command",
            "yes",
        ]
        if options.tls {
            arguments += [
                "--port", "0", "--tls-port", "\(port)", "--tls-cert-file", "\(directory)/redis.crt", "--tls-key-file",
                "\(directory)/redis.key", "--tls-ca-cert-file", caFile, "--tls-auth-clients", "no",
            ]
        } else {
            arguments += ["--port", "\(port)"]
        }
        if options.unixSocket { arguments += ["--unixsocket", socketPath] }
        let child = try launch("redis-server", arguments + options.arguments)
        process.withLock { $0 = child }
        try await eventually("redis-server answers\n\(child.log)") {
            child.log.contains("Ready to accept connections")
        }
    }

    /// SIGKILL.
    public func kill() async { await process.withLock(\.self)?.kill() }

    /// SIGSTOP: it stays connected and says nothing.
    public func freeze() { process.withLock(\.self)?.signal(SIGSTOP) }

    /// SIGCONT.
    public func thaw() { process.withLock(\.self)?.signal(SIGCONT) }

    public func stop() async {
        thaw()
        await process.withLock(\.self)?.stop(within: .seconds(5))
    }

    /// Runs a command through redis-cli and gives what it prints.
    @discardableResult
    public func command(_ arguments: String...) async throws -> String {
        try await tool(["-p", "\(port)"] + arguments)
    }

    /// Runs redis-cli and gives what it prints.
    public func tool(_ arguments: [String]) async throws -> String {
        let tls = options.tls ? ["--tls", "--cacert", caFile] : []
        let login = options.password.map { ["-a", $0, "--no-auth-warning"] } ?? []
        let child = try launch("redis-cli", login + tls + arguments)
        try await child.waitForExit(within: .seconds(180))
        try await eventually("redis-cli has printed") { !child.log.isEmpty }
        return child.log.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Its last lines.
    public var log: String { process.withLock { $0?.log ?? "" } }

    private func launch(_ program: String, _ arguments: [String]) throws -> ChildProcess {
        let words = options.launcher + [program] + arguments
        return try ChildProcess(words[0], Array(words.dropFirst()), name: program)
    }

    private func makeCertificates() async throws {
        let script = """
            set -e; cd '\(directory)'
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt
            openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout redis.key -out redis.csr
            printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > san
            openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out redis.crt
            """
        let child = try ChildProcess("bash", ["-c", script], name: "openssl")
        let status = try await child.waitForExit()
        guard status == 0 else { throw NotInTime(what: "certificates\n\(child.log)") }
    }
}

/// Runs `body` with a Redis of its own, which ends with it.
public func withRedis<Value>(
    _ options: RedisServer.Options = .init(), _ body: (RedisServer) async throws -> Value
) async throws -> Value {
    let redis = try await RedisServer.start(options)
    do {
        let value = try await body(redis)
        await redis.stop()
        return value
    } catch {
        await redis.stop()
        throw error
    }
}
