import FanfareCore
import FanfareProtocols
import FanfareRedis
import FanfareWire
import NIOCore

/// Makes of what emitters of Socket.IO publish what a cluster of channels has for it: an event is a publication in each of its rooms'
/// channels, and a request a command for the clients of this node.
///
/// Every node hears every message. Requests each carries out for its own clients. Events become publications once: of the nodes that
/// hear emitters, the first few publish each (``EmitterPeers``), in the order in which they heard them and under the name that all give
/// it (``EmitterMarks``), so that Redis takes the first and the rest are repetitions. So no node's death loses one, and none comes twice.
/// On the listener's thread.
final class EmitterRelay: Sendable {
    /// For how long Redis knows an event's name: nodes hear it within moments of each other.
    private static let nameLifetime = Duration.seconds(30)

    private let listener: EmitterListener
    private let redis: RedisEmitter?
    private let python: PythonEmitter?
    private let node: NodeContext

    /// `nil`: the configuration wants none.
    init?(_ node: NodeContext) {
        let options = node.configuration.emitters
        guard !options.formats.isEmpty, !node.configuration.redis.isEmpty else { return nil }
        self.node = node
        (redis, python) = (options.redis, options.python)
        listener = EmitterListener(
            node.configuration.redis, patterns: redis?.patterns ?? [], channels: python?.channels ?? [],
            node: node.id, nodeName: node.configuration.nodeName, metrics: node.metrics.shared, logger: node.logger)
    }

    func start() { listener.start { [weak self] in self?.take($0) } }

    func stop() async { await listener.stop() }

    private func take(_ message: EmitterListener.Message) {
        do {
            guard let payload = message.payload else { throw EmitterFailure("bigger than --max-queue-bytes") }
            // What this node would not do anyway it does not read.
            let mayPublish = message.name != nil && message.isOurs
            if !mayPublish, redis?.isEvent(message.channel) == true { return }
            switch try read(message.channel, payload) {
            case .emit(let event): if mayPublish, let name = message.name { try publish(event, name) }
            case .request(let request): try perform(request)
            case .ignored, nil: break
            }
        } catch {
            refuse(message.channel, "\(error)")
        }
    }

    private func read(_ channel: String, _ payload: ByteBuffer) throws(EmitterError) -> EmitterMessage? {
        if let message = try python?.read(channel, payload) { return message }
        return try redis?.read(channel, payload)
    }

    private func publish(_ event: EmitterEvent, _ name: String) throws {
        let limits = node.configuration.limits
        let shares = try event.shares(node.channels, limit: limits.maxChannelNameBytes)
        let payload = Payload(kind: .text, bytes: event.payload)
        for share in shares {
            if let most = node.channels.rules(share.channel)?.maxMessageBytes, payload.bytes.readableBytes > most {
                throw EmitterFailure("an event above the channel's limit of \(most) bytes")
            }
        }
        let now = node.clock.wallMicroseconds()
        var options = PublishOptions(idempotencyKey: name)
        options.idempotencyLifetime = Self.nameLifetime
        for share in shares {
            let publication = Publication(
                channel: share.channel, payload: payload, publishedAt: now,
                metadata: PublicationMetadata(unless: share.unless))
            node.broker.publish(publication, options: options) { [weak self] result in
                switch result {
                case .success(let receipt):
                    if !receipt.isDuplicate { self?.node.metrics.shared.addShared(.emitterEvents) }
                case .failure(let error): self?.refuse(share.channel.string, "not published: \(error)")
                }
            }
        }
    }

    private func perform(_ request: EmitterRequest) throws {
        let command = try SocketIORoomCommand(
            request, node.channels, limit: node.configuration.limits.maxChannelNameBytes)
        guard node.commands.perform(command) else { throw EmitterFailure("an event loop has too much to do") }
        node.metrics.shared.addShared(.emitterRequests)
    }

    private func refuse(_ channel: String, _ reason: String) {
        node.metrics.shared.addShared(.emitterRefused)
        node.refusals.note(
            .emitter, now: node.clock.monotonicMicroseconds(), "an emitter's message is not taken: \(reason)",
            ["channel": "\(RefusalLog.printable(String(channel.prefix(128))))"])
    }
}

/// Why a message is not taken that reads well.
private struct EmitterFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
