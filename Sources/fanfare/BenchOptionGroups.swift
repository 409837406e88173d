import ArgumentParser
import FanfareBench

/// All as text, so that every problem can be told at once.
private let defaults = BenchOptions()

struct BenchLoadOptions: ParsableArguments {
    @Option(help: "Clients that listen; client i hears channel i mod --channels.") var clients = defaults.clients
    @Option(help: "Channels.") var channels = defaults.channels
    @Option(help: "What channel names begin with; a number follows.") var channelPrefix = defaults.channelPrefix
    @Option(help: "Publications per second, over all channels in turn.") var rate = defaults.rate
    @Option(help: "Publications back to back each time, at the same rate overall.") var burst = defaults.burst
    @Option(help: "Bytes of a payload, at least 40.") var size = defaults.size
    @Option(help: "How long to publish: 500ms, 30s, 1m30s.") var duration = defaults.duration
    @Option(name: .customLong("protocol"), help: "What clients speak: raw or centrifuge.")
    var transport = defaults.transport

    func give(to options: inout BenchOptions) {
        options.clients = clients
        options.channels = channels
        options.channelPrefix = channelPrefix
        options.rate = rate
        options.burst = burst
        options.size = size
        options.duration = duration
        options.transport = transport
    }
}

struct BenchPublishOptions: ParsableArguments {
    @Option(help: "How publications get in: websocket, http or redis.") var publish = defaults.publish
    @Option(
        help: ArgumentHelp(
            "Where to publish. websocket: any node (default: the same); http: an admin port (default: "
                + "http://127.0.0.1:9000); redis: default redis://127.0.0.1:6379.", valueName: "url"))
    var publishURL: String?
    @Option(help: "What stands before a channel's name in Redis.") var redisPrefix = defaults.redisPrefix

    func give(to options: inout BenchOptions) {
        options.publish = publish
        options.publishURL = publishURL
        options.redisPrefix = redisPrefix
    }
}

struct BenchConnectOptions: ParsableArguments {
    @Option(help: "Clients begun per second.") var ramp = defaults.ramp
    @Option(help: "Longest time for a client to be connected and subscribed.")
    var connectTimeout = defaults.connectTimeout
    @Option(
        help: ArgumentHelp(
            "An address of this machine to connect from; several are used in turn. One has about 28,000 ports.",
            valueName: "address"))
    var sourceAddress: [String] = []
    @Option(help: "Event loops (default: one per core).") var threads: String?
    @Flag(help: "Take any certificate of a wss:// server.") var insecure = false
    @Option(help: "PEM file of the authorities to trust instead of the system's.") var caFile: String?

    func give(to options: inout BenchOptions) {
        options.ramp = ramp
        options.connectTimeout = connectTimeout
        options.sourceAddresses = sourceAddress
        options.threads = threads
        options.insecure = insecure
        options.caFile = caFile
    }
}

struct BenchReportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A node's admin port, http://127.0.0.1:9000: its CPU and memory go into the report. Several for several nodes.",
            valueName: "url"))
    var metricsURL: [String] = []
    @Flag(help: "The report as one JSON object.") var json = false
}
