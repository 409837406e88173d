import FanfareCore
import FanfareWire
import NIOCore

/// What an MQTT client may do when: packets in, actions out, no I/O; the only clock is the policy's, for how old a message is.
///
/// One per client, on its event loop. A packet is read when the one before it was begun, and the topic filters of a SUBSCRIBE are begun one
/// by one, so what waits is bytes and one list. The session ends with its connection.
public struct MQTTSession: Sendable {
    /// What is the same for all clients of a node.
    public struct Policy: Sendable {
        public var maxChannelNameBytes: Int
        /// Subscriptions of a client.
        public var maxChannels: Int
        /// Bytes of a packet.
        public var maxPacketBytes: Int
        /// Bytes of messages with QoS 1 and 2 that a client was sent and has not acknowledged.
        public var maxInFlightBytes = 524_288
        /// Packets that may end in one message of the transport.
        public var maxPackets = 512
        /// What clients without a token may do.
        public var permissions: ClientPermissions
        /// What clients with one may do, where its capabilities say nothing.
        public var users = ClientPermissions.subscribe
        /// Whether tokens mean nothing here: on a node for a first try that has no keys.
        public var ignoresTokens = false
        public var channels: ChannelRulebook
        /// Microseconds since 1970.
        public var now: @Sendable () -> UInt64 = { 0 }

        public init(
            maxChannelNameBytes: Int, maxChannels: Int, maxPacketBytes: Int, permissions: ClientPermissions,
            channels: ChannelRulebook = ChannelRulebook()
        ) {
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.maxPacketBytes = maxPacketBytes
            self.permissions = permissions
            self.channels = channels
        }
    }

    /// A policy in memory that all its clients share.
    public final class SharedPolicy: Sendable {
        let policy: Policy

        public init(_ policy: Policy) { self.policy = policy }
    }

    let shared: SharedPolicy
    var policy: Policy { shared.policy }
    /// By which other clients and the operator know this one: not the identifier that the client chose.
    public let clientID: String
    /// The token of the upgrade's request, for a CONNECT without a password.
    let requestToken: String?
    private var reader: MQTTReader
    /// Packets that ended in the message that came last.
    private var packetsOfMessage = 0
    /// A CONNECT whose token is being checked.
    var asking: MQTTConnect?
    /// What CONNECT agreed on.
    var agreement = Agreement()
    /// Who the client is; `nil`: it is not connected.
    var grants: Grants?
    /// Channels that its token names.
    var listed: [ServerSubscription] = []
    var subscriptions: [Subscription] = []
    /// A SUBSCRIBE whose filters are being begun.
    var beginning: Beginning?
    /// SUBACKs that wait for subscriptions.
    var waiting: [WaitingSuback] = []
    /// Channels of topic aliases.
    var aliases: [UInt16: ChannelName] = [:]
    /// Publications whose outcome is awaited, by the number of the broker's answer.
    var calls: [UInt32: Call] = [:]
    /// Packet identifiers with QoS 2 that wait for PUBREL, and whether PUBREC was said.
    var unreleased: [UInt16: Bool] = [:]
    /// What the node sent with QoS 1 and 2.
    var window: MQTTWindow
    /// Whether the last word was said, and nothing counts any more.
    private(set) var hasFailed = false
    /// Whether DISCONNECT came.
    private var hasLeft = false
    /// Whether only what the client published counts.
    private var hasEnded = false
    private var lastNumber: UInt32 = 0

    /// - Parameter requestToken: of the upgrade's request.
    public init(_ shared: SharedPolicy, clientID: String, requestToken: String? = nil) {
        self.shared = shared
        self.clientID = clientID
        self.requestToken = requestToken
        reader = MQTTReader(maxPacketBytes: shared.policy.maxPacketBytes)
        window = MQTTWindow(limit: MQTTBounds.inFlight, maxBytes: shared.policy.maxInFlightBytes)
    }

    /// What CONNECT said.
    var version: MQTTVersion { reader.version ?? .v5 }

    /// Whether CONNECT was answered.
    public var isConnected: Bool { grants != nil }

    /// What others see of it in a channel.
    func info(in channel: ChannelName) -> ClientInfo {
        ClientInfo(
            client: ExactText(clientID), identity: grants?.identity, inChannel: grants?[channel]?.info)
    }

    // MARK: What comes

    /// A message came. Its packets are begun by and by.
    mutating func take(_ message: Payload) -> Session.Taken {
        packetsOfMessage = 0
        guard !hasFailed, !hasLeft else { return .commands(0) }
        guard message.kind == .binary else {
            return .action(fail(.against("MQTT comes in binary messages"), .unsupportedData))
        }
        reader.feed(message.bytes)
        return .commands(0)
    }

    /// Whether something came that is not begun.
    var hasCommands: Bool { !hasFailed && !hasLeft && (beginning != nil || reader.hasNew || readsOn) }

    /// Whether a subscription is to get what there was no room for.
    private var readsOn: Bool { !hasEnded && window.mayRead }

    /// Whether a packet has begun and not ended.
    var isWithinPacket: Bool { reader.isWithinPacket }

    /// The next packet that came, or the next topic filter of one, if it may begin.
    mutating func next(mayRead: Bool) -> Session.Next {
        guard !hasFailed, !hasLeft else { return .none }
        if mayRead, readsOn {
            return .perform(.mqtt(MQTTRequest(part: .readOn, isFirst: true)), weight: Self.readWeight)
        }
        if let beginning {
            guard mayRead else { return .wait }
            return .perform(.mqtt(MQTTRequest(part: .filter, isFirst: beginning.next == 0)), weight: 2)
        }
        do throws(MQTTError) {
            while let packet = try reader.next() {
                if hasEnded, !packet.isPublish { continue }
                packetsOfMessage += 1
                guard packetsOfMessage <= policy.maxPackets else {
                    throw MQTTError(.quotaExceeded, "more than \(policy.maxPackets) packets in one message")
                }
                return .perform(
                    .mqtt(MQTTRequest(part: .packet(packet), isFirst: packetsOfMessage == 1)),
                    weight: packet.weight(withToken: requestToken != nil))
            }
            return readsOn ? .wait : .none
        } catch {
            return .fail(fail(error))
        }
    }

    /// The client has ended its half: of what it sent, only what it published counts.
    mutating func keepPublications() {
        hasEnded = true
        beginning = nil
    }

    /// Begins a packet, or a part of one.
    public mutating func perform(_ request: MQTTRequest) -> SessionAction {
        guard !hasFailed, !hasLeft else { return .none }
        do throws(MQTTError) {
            switch request.part {
            case .filter: return beginFilter()
            case .readOn: return readOn()
            case .packet(let packet): return try perform(packet)
            }
        } catch {
            return fail(error)
        }
    }

    private mutating func perform(_ packet: MQTTPacket) throws(MQTTError) -> SessionAction {
        switch packet {
        case .connect(let connect): return try self.connect(connect)
        case .publish(let publish): return try self.publish(publish)
        case .acknowledge(let acknowledgement): return try acknowledged(acknowledgement)
        case .subscribe(let subscribe):
            guard !waiting.contains(where: { $0.packetID == subscribe.packetID }) else {
                let reasons = subscribe.filters.map { _ in MQTTReason.packetIdentifierInUse }
                return .all([.dropped, say(MQTTWriter.suback(version, subscribe.packetID, reasons))])
            }
            beginning = Beginning(packet: subscribe)
            return .none
        case .unsubscribe(let unsubscribe): return self.unsubscribe(unsubscribe)
        case .pingreq: return say(MQTTWriter.pingresp)
        case .disconnect(_, let properties):
            if properties.number(.sessionExpiryInterval) ?? 0 > 0, agreement.sessionExpiry == 0 {
                throw .against("a session that ends with its connection can't be made to last (§3.14.2.2.2)")
            }
            hasLeft = true
            return .disconnect(.normal)
        case .auth: throw .against("AUTH, and no authentication was agreed on")
        }
    }

    /// Refuses what came too early.
    mutating func refuseForNow(_ request: MQTTRequest) -> SessionAction {
        guard request.isFilter, beginning != nil else { return .none }
        return answerFilter(.quotaExceeded)
    }

    // MARK: What is said

    /// A packet for the client, which must be within what it takes (§3.1.2.11.4).
    mutating func say(_ body: Body) -> SessionAction {
        guard body.count <= agreement.maxPacketBytes else {
            return fail(MQTTError(.packetTooLarge, "an answer is above the client's limit"))
        }
        return .send(body)
    }

    /// A reason string for an acknowledgement; `nil`: the client does not want any (§3.1.2.11.7).
    func explanation(_ text: String) -> String? {
        agreement.wantsProblems && agreement.maxPacketBytes >= 2 * MQTTBounds.reasonBytes ? text : nil
    }

    /// Says what is wrong, and ends the client.
    mutating func fail(_ error: MQTTError, _ disconnect: Disconnect? = nil) -> SessionAction {
        guard !hasFailed else { return .none }
        let words = lastWords(error.reason, error.message)
        hasFailed = true
        beginning = nil
        return .all(
            [
                words.map { SessionAction.refuse($0) },
                .disconnect(disconnect ?? error.disconnect, reason: error.message),
            ]
            .compactMap(\.self))
    }

    /// CONNACK before the session began, else DISCONNECT, where the version has a code for it.
    private func lastWords(_ reason: MQTTReason, _ text: String) -> Body? {
        guard let version = reader.version else { return nil }
        if isConnected {
            return version == .v5 ? disconnectPacket(reason, text) : nil
        }
        let reason = MQTTReason.ofServer(in: .connack).contains(reason) ? reason : .unspecifiedError
        let packet = MQTTWriter.connack(version, reason, MQTTProperties(text))
        guard let packet, packet.count > agreement.maxPacketBytes else { return packet }
        return MQTTWriter.connack(version, reason, MQTTProperties())
    }

    private func disconnectPacket(_ reason: MQTTReason, _ text: String) -> Body? {
        let packet = MQTTWriter.disconnect(reason, text: text)
        return packet.count <= agreement.maxPacketBytes ? packet : nil
    }

    /// The last message of a client that the node ends. A client of 3.1.1 hears of no reason.
    func farewells(_ disconnect: Disconnect) -> [Body] {
        guard !hasFailed, !hasLeft, isConnected, version == .v5, disconnect != .normal else { return [] }
        return [disconnectPacket(MQTTReason(disconnect), disconnect.reason)].compactMap(\.self)
    }

    /// A number that nothing under way has.
    mutating func makeNumber() -> UInt32 {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        return lastNumber
    }
}

/// What may begin: a packet, the next topic filter of the SUBSCRIBE that came last, or a read of what there was no room for.
public struct MQTTRequest: Sendable {
    enum Part: Sendable {
        case packet(MQTTPacket)
        case filter
        case readOn
    }

    let part: Part
    /// Whether it is the first of its message, which was charged when it came.
    let isFirst: Bool

    /// Whether it publishes.
    var isPublish: Bool { if case .packet(let packet) = part { packet.isPublish } else { false } }

    /// Whether it subscribes.
    var isFilter: Bool { if case .filter = part { true } else { false } }

    /// Whether it reads for the client what it did not ask for just now.
    var isReadOn: Bool { if case .readOn = part { true } else { false } }
}

extension MQTTPacket {
    fileprivate var isPublish: Bool { if case .publish = self { true } else { false } }

    /// How much of a turn it takes.
    fileprivate func weight(withToken: Bool) -> Int {
        switch self {
        case .connect(let connect): withToken || connect.password != nil ? Turn.token : 2
        case .unsubscribe(let unsubscribe): 1 + unsubscribe.filters.count / 4
        case .publish(let publish): 1 + publish.properties.all.count / 16
        default: 1
        }
    }
}
