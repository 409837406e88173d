import FanfareCore
import FanfareWire
import NIOCore

/// The question to Redis whether its user may do all that the configured channels need. An access list that forbids some of
/// it would otherwise show as subscribes that fail for ever on a node that is ready.
struct RightsCheck {
    private let prefix: String
    private let publish: ByteBuffer
    private let needs: [ByteBuffer]

    /// `nil` where no channel needs more than Pub/Sub, which the links and the probe show.
    init?(_ configuration: RedisConfiguration, _ rules: ChannelRulebook) {
        guard rules.hasHistory || rules.keepsMembers else { return nil }
        prefix = configuration.prefix
        publish = configuration.pubSub.publish
        needs = [rules.hasHistory, rules.keepsMembers].map { ByteBuffer(string: $0 ? "1" : "0") }
    }

    /// The call; in a Redis Cluster with a key and a channel that the probe's node owns.
    func task(_ probe: ProbeChannel) -> PublisherLink.Order.Task {
        let key = prefix + (probe.tag.map { "{\($0)}:" } ?? "*") + "rights"
        return .script(
            .rights, nil, keys: [ByteBuffer(string: key)],
            arguments: [publish, ByteBuffer(string: probe.name + ":rights")] + needs)
    }

    /// What is wrong by its answer; outer `nil`: nothing is known, the link broke.
    static func problem(_ result: Result<ReplyView, BrokerError>) -> String?? {
        switch result {
        case .success(let missing):
            let names = Set((0..<missing.count).compactMap { missing[$0]?.text }).sorted()
            return .some(names.isEmpty ? nil : "the user may not run \(names.joined(separator: ", "))")
        case .failure(.refused(let words)): return .some(problem(words, of: "EVALSHA"))
        case .failure: return nil
        }
    }

    /// What is wrong when Redis refuses a command with those words; anything but a missing right passes or shows elsewhere.
    ///
    /// - Parameter prefix: how the names of the channels begin that it was about, for Redis does not say which it was.
    static func problem(_ words: String, of command: String, prefix: String? = nil) -> String? {
        guard words.hasPrefix("NOPERM") else { return nil }
        guard let prefix, words.contains("channel") else { return "the user may not run \(command)" }
        return "the user may not run \(command) for all channels of the node, it needs &\(prefix)*"
    }
}
