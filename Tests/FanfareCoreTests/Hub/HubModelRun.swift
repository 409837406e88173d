import FanfareProtocols
import FanfareTestKit
import FanfareWire

@testable import FanfareCore

/// One run: a shard, its model, and what chance does to both.
final class HubModelRun {
    struct Disagreement: Error, CustomStringConvertible {
        let description: String
    }

    private var random: SeededRandom
    private let formats: FormatTable
    private let wireFormats: [WireFormat]
    private let personalFormats: [WireFormat]
    private let broker = RecordingBroker()
    private let metrics = LoopMetrics()
    private let shard: HubShard<HubModelMember>
    private var model = HubModel()
    private var clients: [HubModelMember] = []
    /// Clients that left since the shard and the model were last compared.
    private var left: Set<Int> = []
    private var nextClient = 0
    private var nextNumber = 0
    /// Answers that the broker may give, also for subscriptions that nobody wants any more.
    private var owed: [(channel: ChannelName, ticket: UInt64)] = []
    /// Whose last subscription to which channel ended, as the shard says.
    private var ended: [HubModel.End] = []

    init(seed: Int) {
        random = SeededRandom(seed: UInt64(seed))
        let formats = FormatTable()
        self.formats = formats
        let raw = formats.plain(.rawWebSocket)
        wireFormats =
            [.rawWebSocket, .rawWebSocketDeflate, .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate]
            + ["a", "b"].compactMap { key in raw.flatMap { formats.intern(key, as: .encoded($0.encoder)) } }
        personalFormats = ["p", "q"].compactMap { key in
            formats.intern(ExactText(key), as: .personal(PlainCodec(mark: key), in: WebSocketFraming()))
        }
        shard = HubShard(
            broker: broker, receiver: 0, metrics: metrics, mailbox: Mailbox(wake: {}), maxRecovery: 100)
        shard.findClient = { [unowned self] id in clients.first { $0.clientID == id } }
        shard.onEnd = { [unowned self] client, channel in
            ended.append(HubModel.End(client: client.id, channel: Self.number(of: channel)))
        }
        for _ in 0..<3 { join() }
    }

    deinit {
        shard.onEnd = nil
        for client in clients { shard.leave(client) }
    }

    private static let names = (1...5).compactMap { try? ChannelName("c\($0)") }

    static func number(of channel: ChannelName) -> Int { Int(channel.string.utf8.last ?? 0) - 48 }

    func step(_ step: Int) throws {
        switch chance(16) {
        case 0: if clients.count < 12 { join() }
        case 1..<7: try toggle()
        case 7: if let client = anyone() { leave(client) }
        case 8..<11: answer()
        default: try turn()
        }
        tellModelWhoLeft()
        try compare()
        if step.isMultiple(of: 20) { try compareBroker() }
    }

    /// At the end nobody is left, and nothing.
    func end() throws {
        for client in clients { leave(client) }
        tellModelWhoLeft()
        try compare()
        try compareBroker()
        guard shard.channelCount == 0, broker.wanted.isEmpty else {
            throw Disagreement(description: "something is left")
        }
    }

    private func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private func anyone() -> HubModelMember? {
        clients.isEmpty ? nil : clients[chance(clients.count)]
    }

    private func join() {
        clients.append(HubModelMember(nextClient, wireFormats[chance(wireFormats.count)]))
        nextClient += 1
    }

    /// Names of subscriptions: few, so that they come again, and of different lengths.
    private static let requests: [UInt32] = [1, 2, 33, 44, 555]

    /// A subscription begins or ends, perhaps one of several of a client to a channel.
    private func toggle() throws {
        guard let client = anyone() else { return }
        let name = Self.names[chance(5)]
        let channel = Self.number(of: name)
        let known = model.requests(client.id, channel)
        let request = Self.requests[chance(Self.requests.count)]
        switch chance(10) {
        case 0, 1:
            try check(shard.unsubscribe(client, from: name), !known.isEmpty, "client \(client.id) in c\(channel)")
            for request in known { model.unsubscribe(client.id, channel, request) }
        case _ where known.contains(request) || chance(10) == 0:
            let had = shard.unsubscribe(client, from: name, request: request)
            try check(had, known.contains(request), "client \(client.id) in c\(channel) as \(request)")
            model.unsubscribe(client.id, channel, request)
        default:
            // Mostly one that reads as the client's others.
            let lead: Lead? =
                switch chance(6) {
                case 0: .fixed(Array("#\(request):".utf8))
                case 1: .written
                default: nil
                }
            let format = lead != nil ? personalFormats[chance(2)] : chance(4) == 0 ? wireFormats[chance(6)] : nil
            model.subscribe(client.id, channel, .init(request: request, hasLead: lead != nil))
            shard.subscribe(client, to: name, request: request, format: format, lead: lead)
        }
        owed += broker.takeOpen()
    }

    private func check(_ answer: Bool, _ expected: Bool, _ what: String) throws {
        guard answer == expected else { throw Disagreement(description: "\(what): \(answer)") }
    }

    /// A client ends; nothing but the shard knows it any more. Leaving twice is leaving once.
    private func leave(_ client: HubModelMember) {
        clients.removeAll { $0 === client }
        left.insert(client.id)
        for _ in 0...chance(2) { shard.leave(client) }
    }

    /// The model hears of those who left when the shard is done with what they left in.
    private func tellModelWhoLeft() {
        for id in left { model.leave(id) }
        left = []
    }

    /// The broker confirms or refuses a subscription; answers may overtake each other, come twice, or too late. Clients
    /// may end with their answer.
    private func answer() {
        guard !owed.isEmpty else { return }
        let index = chance(owed.count)
        let (name, ticket) = owed[index]
        if chance(8) > 0 { owed.remove(at: index) }
        let doomed = chance(4) == 0 ? anyone() : nil
        doomed?.onAnswer = { [unowned self, unowned doomed] in if let doomed { leave(doomed) } }
        let isConfirmed = chance(4) > 0
        let counts = model.answer(Self.number(of: name), ticket, isConfirmed)
        if isConfirmed {
            shard.subscribed(name, ticket: ticket)
        } else {
            // By the broker's contract nothing is subscribed then, so nobody withdraws it.
            if counts { broker.forget(name) }
            shard.subscribeFailed(name, ticket: ticket, .unavailable)
        }
        doomed?.onAnswer = nil
        tellModelWhoLeft()
    }

    /// A turn as an event loop has it: publications and answers of the broker, then the fan-out, in which clients end.
    private func turn() throws {
        for _ in 0...chance(4) {
            let name = Self.names[chance(5)]
            for _ in 0...chance(3) { publish(name) }
            if chance(4) == 0 { answer() }
        }
        let expected = model.flush()
        for client in clients where chance(10) == 0 {
            let victim = chance(3) == 0 ? anyone() : client
            client.onWrite = { [unowned self, weak victim] in if let victim { leave(victim) } }
        }
        for client in clients {
            // Mostly open, sometimes closed, full or broken.
            client.lane =
                switch chance(12) {
                case 0, 1: nil
                case 2, 3: TestLane(room: chance(40))
                case 4: TestLane(room: -1)
                default: TestLane(room: 10_000)
                }
            client.onBroken = { [unowned self, unowned client] in leave(client) }
            shard.setLane(client, client.lane)
        }
        shard.flush(now: { 0 })
        for client in clients {
            client.onWrite = nil
            let (writes, heard) = client.endTick()
            guard heard == expected[client.id] ?? [:], writes == (expected[client.id] == nil ? 0 : 1) else {
                throw Disagreement(
                    description:
                        "client \(client.id) got \(heard) in \(writes) writes, not \(expected[client.id] ?? [:])")
            }
        }
    }

    private func publish(_ name: ChannelName) {
        nextNumber += 1
        let channel = Self.number(of: name)
        let payload = Payload(text: "\(channel * 1_000_000 + nextNumber)")
        let sender = chance(3) == 0 ? anyone() : nil
        let publication = Publication(channel: name, payload: payload).excluding(sender?.clientID)
        shard.publish(PreparedPublication(publication, formats: formats, receivedAt: 0))
        model.publish(channel, nextNumber, excluding: sender?.id)
    }

    private func compare() throws {
        let counters = metrics.counters
        guard shard.channelCount == model.channels.count, counters.value(.channels) == model.channels.count,
            counters.value(.subscriptions) == model.subscriptions, counters.value(.deliveries) == model.deliveries
        else {
            throw Disagreement(description: "\(shard.channelCount) channels, not \(model.channels.count); or counts")
        }
        for client in clients where !client.answers.isEmpty || !model.answers.isEmpty {
            guard client.answers == model.answers[client.id] ?? [] else {
                throw Disagreement(description: "client \(client.id) was answered \(client.answers)")
            }
            client.answers = []
        }
        model.answers = [:]
        guard ended.sorted() == model.ended.sorted() else {
            throw Disagreement(description: "gone are \(ended), not \(model.ended)")
        }
        (ended, model.ended) = ([], [])
    }

    private func compareBroker() throws {
        guard broker.wanted == Set(model.channels.keys.map { "c\($0)" }) else {
            throw Disagreement(description: "the broker is subscribed to \(broker.wanted)")
        }
        for name in Self.names {
            let state = model.channels[Self.number(of: name)]
            let count = state?.isActive == true ? state?.subscriptions ?? 0 : 0
            guard shard.subscribers(of: name) == count else {
                throw Disagreement(description: "\(name) has not \(count)")
            }
        }
    }
}
