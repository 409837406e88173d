/// The options of a run as a person wrote them: all text, so that everything that is wrong can be told at once.
public struct BenchOptions: Sendable {
    public var url = ""
    public var clients = "1000"
    public var channels = "10"
    public var channelPrefix = "bench-"
    public var rate = "100"
    public var burst = "1"
    public var size = "128"
    public var duration = "10s"
    public var transport = "raw"
    public var publish = "websocket"
    public var publishURL: String?
    public var redisPrefix = "fanfare:"
    public var ramp = "2000"
    public var sourceAddresses: [String] = []
    public var threads: String?
    public var metricsURLs: [String] = []
    public var connectTimeout = "10s"
    public var insecure = false
    public var caFile: String?

    public init() {}
}

/// What the machine allows.
public struct BenchMachine: Sendable {
    /// Cores that this process may use.
    public var cores: Int
    /// Files that this process may open.
    public var openFiles: Int
    /// Ports that one source address has for connections to one server.
    public var ports: Int

    public init(cores: Int, openFiles: Int, ports: Int) {
        self.cores = cores
        self.openFiles = openFiles
        self.ports = ports
    }
}

/// Everything that is wrong with the options, at once.
public struct BenchProblems: Error, Equatable, CustomStringConvertible {
    /// One sentence each: option, value, what is wrong, what to do.
    public let problems: [String]

    public var description: String {
        guard problems.count > 1 else { return problems.first ?? "" }
        return "\(problems.count) options are wrong:\n" + problems.map { "  - \($0)" }.joined(separator: "\n")
    }
}
