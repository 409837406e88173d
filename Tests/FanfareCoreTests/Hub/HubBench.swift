import FanfareProtocols
import FanfareWire
import NIOCore
import Synchronization

@testable import FanfareCore

/// A shard with clients that write down what they get, and a broker that writes down what it is asked.
final class HubBench {
    let broker: RecordingBroker
    let metrics = LoopMetrics()
    let shard: HubShard<TestMember>
    /// Clients that left, kept so that no identity comes again.
    var graveyard: [TestMember] = []
    private var everyone: [TestMember] = []

    init(answersAtOnce: Bool = true, rules: ChannelRulebook = ChannelRulebook(), maxFilters: Int = 256) {
        broker = RecordingBroker()
        shard = HubShard(
            broker: broker, rules: rules, receiver: 0, metrics: metrics, mailbox: Mailbox(wake: {}), maxRecovery: 100,
            maxFilters: maxFilters)
        self.answersAtOnce = answersAtOnce
    }

    private let answersAtOnce: Bool

    deinit {
        for client in everyone { shard.leave(client) }
    }

    func client(format: WireFormat = .rawWebSocket) -> TestMember {
        let client = TestMember(format: format)
        everyone.append(client)
        return client
    }

    func subscribe(
        _ client: TestMember, _ channel: String, request: UInt32 = 0, format: WireFormat? = nil, lead: String? = nil,
        selection: Selection? = nil
    ) {
        subscribe(
            client, channel, request: request, format: format, as: lead.map { .fixed(Array($0.utf8)) },
            selection: selection)
    }

    /// As above, with any lead.
    func subscribe(
        _ client: TestMember, _ channel: String, request: UInt32, format: WireFormat? = nil, as lead: Lead?,
        selection: Selection? = nil, maker: FormatMaker? = nil
    ) {
        guard let name = try? ChannelName(channel) else { return }
        shard.subscribe(
            client, to: name, request: request, format: format, lead: lead, selection: selection, maker: maker)
        if answersAtOnce { answerAll() }
    }

    /// Gives every open subscription its answer.
    func answerAll() {
        for (channel, ticket) in broker.takeOpen() { shard.subscribed(channel, ticket: ticket) }
    }

    func publish(_ channel: String, _ text: String) throws {
        let publication = Publication(channel: try ChannelName(channel), payload: Payload(text: text + "\n"))
        // Frames are not under test here: the payload itself stands for them in both formats.
        shard.publish(
            PreparedPublication(publication, formats: FormatTable(), receivedAt: 0)
        )
    }

    /// Publishes in the formats of a table.
    func publish(_ channel: String, _ text: String, _ formats: FormatTable, excluding client: ClientID? = nil) throws {
        let publication = Publication(channel: try ChannelName(channel), payload: Payload(text: text))
        shard.publish(PreparedPublication(publication.excluding(client), formats: formats, receivedAt: 0))
    }

    func flush() { shard.flush(now: { 0 }) }
}

/// A client of the hub that keeps what it gets as lines.
final class TestMember: HubMember {
    typealias Lane = TestLane

    var membership = HubMembership<TestMember>()
    let wireFormat: WireFormat
    var received: [String] = []
    var answers: [String] = []
    var starts: [SubscriptionStart] = []
    var writes = 0
    var onDeliver: (() -> Void)?
    var onBroken: (() -> Void)?
    /// What a lane did not take.
    var rests: [ByteBuffer] = []
    private var turn: ByteBuffer?

    init(format: WireFormat) { wireFormat = format }

    var isBehind = false
    /// What was kept of channels whose newest publication is enough, by request.
    var kept: [UInt32: String] = [:]
    /// The whole frames that it was given, or the rest of what a lane did not take, as texts.
    var frames: [String] { FrameText.whole(bytes) }
    private var bytes = ByteBuffer()

    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {
        kept[request] = FrameText.whole(frame.joined).first
    }

    /// Deliveries whose lead it wrote, and payloads that it does not take.
    private var numbered = 0
    var refused: Set<String> = []

    /// `<request:number>`, so of different lengths.
    func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        guard !refused.contains(String(buffer: publication.payload.bytes)) else { return false }
        numbered += 1
        lead.writeString("<\(request):\(numbered)>")
        return true
    }

    func enqueue(_ frame: SplitFrame) { enqueue(frame.joined) }
    func sent(_ count: Int, of frame: SplitFrame) { sent(count, of: frame.joined) }

    func deliver(_ bytes: ByteBuffer) {
        writes += 1
        take(bytes)
        onDeliver?()
    }

    func sent(_ count: Int, of bytes: ByteBuffer) {
        guard count >= 0 else {
            onBroken?()
            return
        }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: count)
        rests.append(rest)
    }

    func enqueue(_ bytes: ByteBuffer) {
        if turn == nil { turn = bytes } else { turn?.writeImmutableBuffer(bytes) }
    }

    func endTick() {
        guard let bytes = turn else { return }
        turn = nil
        writes += 1
        take(bytes)
    }

    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        starts.append(start)
        answers.append("+\(channel)#\(request)")
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {
        answers.append("-\(channel)#\(request)")
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        answers.append("!\(channel)#\(request)")
    }

    /// The payloads, whatever frame is around them.
    private func take(_ bytes: ByteBuffer) {
        self.bytes.writeImmutableBuffer(bytes)
        received += FrameText.payloads(bytes, format: wireFormat)
    }
}

/// A lane that takes as many bytes as its test says.
final class TestLane: HubLane {
    private let state = Mutex((room: 0, taken: [UInt8](), calls: 0))

    init(room: Int) { state.withLock { $0.room = room } }

    var taken: [UInt8] { state.withLock(\.taken) }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        state.withLock { state in
            guard state.room >= 0 else { return -1 }
            let count = min(state.room, bytes.count)
            state.taken += bytes[..<count]
            state.room -= count
            return count
        }
    }

    func send(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
        state.withLock { $0.calls += 1 }
        var total = 0
        for piece in pieces {
            let count = send(piece)
            guard count >= 0 else { return count }
            total += count
            guard count == piece.count else { break }
        }
        return total
    }

    /// How often several pieces were sent with one call.
    var gatheredCalls: Int { state.withLock(\.calls) }
}

/// Reads the test payloads out of ready frames.
enum FrameText {
    /// The payloads as they are, of frames of any length.
    static func whole(_ bytes: ByteBuffer) -> [String] {
        var bytes = bytes
        var texts: [String] = []
        while let _ = bytes.readInteger(as: UInt8.self), let short = bytes.readInteger(as: UInt8.self) {
            let length = short < 126 ? Int(short) : bytes.readInteger(as: UInt16.self).map(Int.init) ?? 0
            texts.append(bytes.readString(length: length) ?? "cut")
        }
        return texts
    }

    static func whole(_ bytes: [UInt8]) -> [String] { whole(ByteBuffer(bytes: bytes)) }

    static func payloads(_ bytes: ByteBuffer, format: WireFormat) -> [String] {
        var bytes = bytes
        var texts: [String] = []
        while let _ = bytes.readInteger(as: UInt8.self), let length = bytes.readInteger(as: UInt8.self),
            let text = bytes.readString(length: Int(length))
        {
            switch format {
            case .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate:
                // {"push":{"channel":"c","pub":{"data":"text\n"}}}
                let data = text.components(after: #""data":""#)
                texts.append(String(data.prefix { $0 != "\\" }))
            default:
                texts.append(String(text.dropLast()))
            }
        }
        return texts
    }
}

extension String {
    fileprivate func components(after marker: String) -> Substring {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(marker) { return rest.dropFirst(marker.count) }
            rest = rest.dropFirst()
        }
        return rest
    }
}

/// Writes down subscriptions as `+channel` and `-channel`; answers only when told to.
final class RecordingBroker: Broker, NoPresence {
    private struct State {
        var log: [String] = []
        var wanted: Set<String> = []
        var open: [(ChannelName, UInt64)] = []
    }

    private let state = Mutex(State())

    var log: [String] { state.withLock(\.log) }
    var wanted: Set<String> { state.withLock(\.wanted) }
    var status: BrokerStatus { BrokerStatus(isUp: true) }

    func takeOpen() -> [(ChannelName, UInt64)] {
        state.withLock { state in
            defer { state.open = [] }
            return state.open
        }
    }

    func start(receivers: [Mailbox<BrokerEvent>]) {}

    func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        state.withLock {
            $0.log.append("+\(channel)")
            $0.wanted.insert(channel.string)
            $0.open.append((channel, ticket))
        }
    }

    func unsubscribe(_ channel: ChannelName, receiver: Int) {
        state.withLock {
            $0.log.append("-\(channel)")
            $0.wanted.remove(channel.string)
        }
    }

    /// What a broker does that refuses a subscription.
    func forget(_ channel: ChannelName) { _ = state.withLock { $0.wanted.remove(channel.string) } }

    func publish(
        _: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        completion(.success(PublishReceipt()))
    }

    func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        completion(.failure(.noHistory))
    }

    func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        completion(.failure(.noHistory))
    }

    func shutdown() async {}
}
