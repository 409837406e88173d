import FanfareCore
import FanfareWire
import NIOCore

/// What a STOMP client may do when: frames in, actions out, no I/O and no clock.
///
/// One per client, on its event loop. A frame is read when the one before it was begun, so what waits is bytes and no list of frames.
/// The protocol has one answer to a mistake, `ERROR`, and the connection ends after it.
public struct STOMPSession: Sendable {
    /// What is the same for all clients of a node.
    public struct Policy: Sendable {
        public var maxChannelNameBytes: Int
        /// Subscriptions of a client.
        public var maxChannels: Int
        /// Bytes of a body.
        public var maxMessageBytes: Int
        /// Bytes of a client's messages that wait for their ACK.
        public var maxUnackedBytes = 524_288
        /// Seconds after which a message without an ACK is sent again, and a quarter of that more at most.
        public var ackTimeout: Int64 = 60
        /// Frames that may end in one message of the transport.
        public var maxFrames = 512
        /// What clients without a token may do.
        public var permissions: ClientPermissions
        /// What clients with one may do, where its capabilities say nothing.
        public var users = ClientPermissions.subscribe
        /// Whether tokens mean nothing here: on a node for a first try that has no keys.
        public var ignoresTokens = false
        public var channels: ChannelRulebook
        /// Milliseconds between the node's heart-beats, and between those that it asks for; 0: none.
        public var heartBeat: UInt64 = 0
        /// The header `server` of CONNECTED.
        public var server = "fanfare"

        /// Seconds between two looks at what waits for an ACK.
        var ackCheckSeconds: Int64 { max(1, ackTimeout / 4) }
        /// After how many of them a message is sent again: it may have been sent right before the first.
        static let ackPeriods = 5

        public init(
            maxChannelNameBytes: Int, maxChannels: Int, maxMessageBytes: Int, permissions: ClientPermissions,
            channels: ChannelRulebook = ChannelRulebook()
        ) {
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.maxMessageBytes = maxMessageBytes
            self.permissions = permissions
            self.channels = channels
        }
    }

    /// A policy in memory that all its clients share.
    public final class SharedPolicy: Sendable {
        let policy: Policy

        public init(_ policy: Policy) { self.policy = policy }
    }

    /// One of the client's subscriptions.
    struct Subscription: Sendable {
        /// `nil`: a client of 1.0 gave it none, and names it by its destination.
        let id: ExactText?
        let destination: STOMPDestination
        /// Names it to the hub.
        let number: UInt32
        /// What stands before each of its messages.
        let lead: [UInt8]
        /// Where the client was.
        let since: StreamPosition?
        /// Whom to tell that it is in force; `nil`: nobody, or it was told.
        var receipt: ExactText?
        /// What waits for its ACK; `nil`: nothing does.
        var window: STOMPWindow?

    }

    let shared: SharedPolicy
    var policy: Policy { shared.policy }
    /// By which other clients and the operator know this one.
    public let clientID: String
    /// The token of the upgrade's request, for a CONNECT without one.
    let requestToken: String?
    /// That of the transport's subprotocol. It bounds nothing: `accept-version` decides (D204).
    let subprotocol: STOMPVersion
    /// See ``STOMPForm/isTextOnly``.
    let isTextOnly: Bool
    /// What CONNECT agreed on; until then the subprotocol's, for an ERROR.
    var version: STOMPVersion { reader.version ?? subprotocol }
    var reader: STOMPReader
    /// A frame that came and has to wait: see ``mustWait(_:mayRead:)``.
    private var front: STOMPFrame?
    /// Frames that ended in the message that came last.
    private var framesOfMessage = 0
    /// Who the client is; `nil`: it is not connected.
    var grants: Grants?
    /// Channels that its token names.
    var listed: [ServerSubscription] = []
    /// In the order of their numbers.
    var subscriptions: [Subscription] = []
    /// Those among them with a window.
    var windows = 0
    /// Bytes of what waits in all windows.
    var unackedBytes = 0
    /// Whether there may be a subscription that did not get all.
    var hasBehind = false
    /// Why the client has to end: something came that it had no room for and nobody keeps.
    var overrun: String?
    /// Looks at what waits for an ACK, and when the last one was, seconds of the monotonic clock.
    var ackPeriods = 0
    var lastAckCheck: Int64 = 0
    /// A frame whose token is being checked.
    var asking: STOMPFrame?
    /// Publications whose outcome is awaited, by the number of the broker's answer.
    var calls: [UInt32: STOMPCall] = [:]
    /// Commits that wait for some of ``calls``, by a number of their own.
    var commits: [UInt32: STOMPCommit] = [:]
    /// What was begun and is not committed.
    var transactions = STOMPTransactions()
    /// The receipt of a DISCONNECT that waits for ``calls`` and the receipts of subscriptions; the outer `nil`: there was none.
    var leaving: ExactText??
    /// Whether ERROR was said, and nothing counts any more.
    private(set) var hasFailed = false
    /// Whether the client wants heart-beats.
    var wantsHeartBeats = false
    /// Whether only what the client published counts.
    private(set) var hasEnded = false
    private(set) var lastNumber: UInt32 = 0
    /// Whether numbers have begun anew.
    private(set) var hasWrapped = false

    /// - Parameters:
    ///   - subprotocol: see the property.
    ///   - isTextOnly: see the property.
    ///   - requestToken: of the upgrade's request.
    public init(
        _ shared: SharedPolicy, clientID: String, subprotocol: STOMPVersion = .v12, isTextOnly: Bool = false,
        requestToken: String? = nil
    ) {
        self.shared = shared
        self.clientID = clientID
        self.subprotocol = subprotocol
        self.isTextOnly = isTextOnly
        self.requestToken = requestToken
        reader = STOMPReader(maxBodyBytes: shared.policy.maxMessageBytes)
    }

    /// How messages of a subscription read.
    func form(_ subscription: Subscription) -> STOMPForm {
        STOMPForm(
            version, subscription.destination.form, hasOwnID: subscription.window != nil, isTextOnly: isTextOnly)
    }

    /// Whether CONNECT was answered.
    public var isConnected: Bool { grants != nil }

    /// What others see of it in a channel.
    func info(in channel: ChannelName) -> ClientInfo {
        ClientInfo(
            client: ExactText(clientID), identity: grants?.identity, inChannel: grants?[channel]?.info)
    }

    // MARK: What comes

    /// A message came. Its frames are begun by and by.
    mutating func take(_ message: Payload) -> Session.Taken {
        framesOfMessage = 0
        if !hasFailed, leaving == nil { reader.feed(message.bytes) }
        return .commands(0)
    }

    /// Whether something came that is not begun.
    var hasCommands: Bool { !hasFailed && leaving == nil && (front != nil || reader.hasNew || readsOn) }

    /// Whether a subscription is to get what it did not get, or the client to end for it.
    private var readsOn: Bool { !hasEnded && (overrun != nil || hasBehind && indexOfBehind() != nil) }

    /// The next frame that came, if it may begin.
    mutating func next(mayRead: Bool) -> Session.Next {
        guard !hasFailed, leaving == nil else { return .none }
        if hasBehind || overrun != nil, !hasEnded {
            if let overrun { return .fail(.disconnect(.slow, reason: overrun)) }
            if mayRead, let index = indexOfBehind() {
                let number = subscriptions[index].number
                return .perform(.stomp(STOMPRequest(.readOn(number))), weight: Self.readWeight)
            }
        }
        do throws(STOMPError) {
            while let frame = try takeFrame() {
                if hasEnded, !frame.command.publishes { continue }
                if mustWait(frame, mayRead: mayRead) {
                    front = frame
                    return .wait
                }
                framesOfMessage += 1
                guard framesOfMessage <= policy.maxFrames else {
                    throw STOMPError("more than \(policy.maxFrames) frames in one message", .policyViolation)
                }
                let command = STOMPRequest(.frame(frame), isFirst: framesOfMessage == 1)
                return .perform(.stomp(command), weight: weight(frame))
            }
            return readsOn ? .wait : .none
        } catch {
            return .fail(fail(error))
        }
    }

    /// Whether a frame that came has to wait: for a read, or for the outcome of what was published before.
    private func mustWait(_ frame: STOMPFrame, mayRead: Bool) -> Bool {
        let publishes = frame.command == .send || frame.command == .commit
        // Who has gone waits for nothing.
        return frame.isRead && !mayRead || publishes && calls.count >= STOMPBounds.calls && !hasEnded
    }

    /// How much of a turn it takes to ask for a read.
    private static let readWeight = 4

    /// How much of a turn a frame takes.
    private func weight(_ frame: STOMPFrame) -> Int {
        let own = 1 + frame.headers.count / 16
        return switch frame.command {
        case .connect, .stomp: requestToken != nil || frame.token != nil ? Turn.token : own
        case .subscribe: frame["token"] == nil ? own + 1 : Turn.token
        case .commit: own + transactions.count + transactions.nacks * waitingMessages
        case .nack: own + countOfMessages(frame)
        default: own
        }
    }

    /// Messages that a NACK may send again.
    private var waitingMessages: Int { subscriptions.reduce(0) { $0 + ($1.window?.waiting.count ?? 0) } }

    private mutating func takeFrame() throws(STOMPError) -> STOMPFrame? {
        if let frame = front.take() { return frame }
        return try reader.next()
    }

    /// The client has ended its half: of what it sent, only what it published counts.
    mutating func keepPublications() { hasEnded = true }

    /// Begins a frame.
    public mutating func perform(_ request: STOMPRequest) -> SessionAction {
        guard !hasFailed else { return .none }
        switch request.kind {
        case .frame(let frame): return perform(frame)
        case .readOn(let number): return readOn(number)
        }
    }

    private mutating func perform(_ frame: STOMPFrame) -> SessionAction {
        do throws(STOMPError) {
            if let receipt = frame["receipt"], !frame.command.isConnect { try check(receipt: receipt) }
            guard isConnected || frame.command.isConnect else {
                throw STOMPError("\(frame.command.rawValue) before CONNECT")
            }
            switch frame.command {
            case .connect, .stomp: return try connect(frame)
            case .send: return try send(frame)
            case .subscribe: return try subscribe(frame)
            case .unsubscribe: return try unsubscribe(frame)
            case .disconnect: return disconnect(frame)
            case .ack, .nack: return try acknowledge(frame)
            case .begin: return try begin(frame)
            case .commit: return try commit(frame)
            case .abort: return try abort(frame)
            }
        } catch {
            return fail(error, receipt: frame.command.isConnect ? nil : frame["receipt"])
        }
    }

    /// A receipt comes back as it was sent, or the frame is refused.
    private func check(receipt: ExactText) throws(STOMPError) {
        guard receipt.utf8.count <= STOMPBounds.receiptBytes, STOMPEscapes.canSay(receipt, version) else {
            throw STOMPError(
                "a receipt has at most \(STOMPBounds.receiptBytes) bytes, none of them a control character")
        }
    }

    /// Refuses a frame that came too early: it can't be said without an end.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    mutating func refuseForNow(_ request: STOMPRequest, wait: UInt64) -> SessionAction {
        let milliseconds = wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)
        return fail(
            STOMPError("too many requests, try again in \(milliseconds) ms", .tryAgainLater),
            receipt: request.frame?["receipt"])
    }

    /// Says what is wrong, and ends the client.
    mutating func fail(_ error: STOMPError, receipt: ExactText? = nil, versions: String? = nil) -> SessionAction {
        guard !hasFailed else { return .none }
        hasFailed = true
        let receipt = receipt.flatMap { $0.utf8.count <= STOMPBounds.receiptBytes ? $0 : nil }
        return .all([
            .refuse(STOMPWriter.error(error.message, version, receipt: receipt, versions: versions)),
            .disconnect(error.disconnect, reason: error.message),
        ])
    }

    /// The last message of a client that the node ends and that stays away.
    func farewells(_ disconnect: Disconnect) -> [Body] {
        // Who should come back by itself must not hear of a mistake: the close code says it.
        guard !hasFailed, disconnect != .normal, disconnect.advice != .reconnect else { return [] }
        return [STOMPWriter.error(disconnect.reason, version, receipt: nil)]
    }

    /// Bytes of what waits for an ACK or a COMMIT.
    var keptBytes: Int { unackedBytes + transactions.bytes }

    /// Nobody will acknowledge or commit any more.
    mutating func forgetKept() {
        transactions = STOMPTransactions()
        for index in subscriptions.indices { subscriptions[index].window = nil }
        (windows, unackedBytes) = (0, 0)
    }

    /// A number that nothing under way has.
    mutating func makeNumber() -> UInt32 {
        if lastNumber == .max { hasWrapped = true }
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        return lastNumber
    }
}

extension STOMPFrame {
    /// What says who the client is: `passcode`, or a bearer token in `Authorization`.
    var token: String? {
        if let passcode = self["passcode"], !passcode.isEmpty { return passcode.string }
        guard let field = self["Authorization"] ?? self["authorization"] else { return nil }
        let parts = field.string.split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].isToken("Bearer") ? String(parts[1]) : nil
    }

    /// Whether the broker may be asked for something big.
    fileprivate var isRead: Bool { command == .subscribe }
}
