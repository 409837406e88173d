import FanfareProtocols
import FanfareWire
import Support

@testable import FanfareCore

/// One run: a shard, its model, and what chance does to both.
final class HubModelRun {
    struct Disagreement: Error, CustomStringConvertible {
        let description: String
    }

    private var random: SeededRandom
    private let formats: FormatTable
    private let wireFormats: [WireFormat]
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

    init(seed: Int) {
        random = SeededRandom(seed: UInt64(seed))
        let formats = FormatTable()
        self.formats = formats
        let raw = formats.plain(.rawWebSocket)
        wireFormats =
            [.rawWebSocket, .rawWebSocketDeflate, .centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate]
            + ["a", "b"].compactMap { key in raw.flatMap { formats.intern(key, as: .encoded($0.encoder)) } }
        shard = HubShard(
            broker: broker, receiver: 0, metrics: metrics, mailbox: Mailbox(wake: {}), maxRecovery: 100)
        for _ in 0..<3 { join() }
    }

    deinit { for client in clients { shard.leave(client) } }

    private static let names = (1...5).compactMap { try? ChannelName("c\($0)") }

    static func number(of channel: ChannelName) -> Int { Int(channel.string.utf8.last ?? 0) - 48 }

    func step(_ step: Int) throws {
        switch chance(16) {
        case 0: if clients.count < 12 { join() }
        case 1..<7: try toggle(UInt32(step))
        case 7: if let client = anyone() { leave(client) }
        case 8..<11: answer()
        default: try tick()
        }
        settle()
        try compare()
        if step.isMultiple(of: 20) { try compareBroker() }
    }

    /// At the end nobody is left, and nothing.
    func end() throws {
        for client in clients { leave(client) }
        settle()
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

    /// Somebody comes to a channel or goes from it.
    private func toggle(_ request: UInt32) throws {
        guard let client = anyone() else { return }
        let name = Self.names[chance(5)]
        let channel = Self.number(of: name)
        if model.isMember(client.id, channel) || chance(10) == 0 {
            let had = shard.unsubscribe(client, from: name)
            guard had == model.isMember(client.id, channel) else {
                throw Disagreement(description: "client \(client.id) was in c\(channel): \(had)")
            }
            model.unsubscribe(client.id, channel)
        } else {
            model.subscribe(client.id, channel, request)
            shard.subscribe(client, to: name, request: request)
        }
        owed += broker.takeOpen()
    }

    /// A client ends; nothing but the shard knows it any more. Leaving twice is leaving once.
    private func leave(_ client: HubModelMember) {
        clients.removeAll { $0 === client }
        left.insert(client.id)
        for _ in 0...chance(2) { shard.leave(client) }
    }

    /// The model hears of those who left when the shard is done with what they left in.
    private func settle() {
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
        settle()
    }

    /// A tick as an event loop has it: publications and answers of the broker, then the fan-out, in which clients end.
    private func tick() throws {
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
            let (writes, numbers) = client.endTick()
            guard numbers == expected[client.id] ?? [:], writes == (expected[client.id] == nil ? 0 : 1) else {
                throw Disagreement(
                    description:
                        "client \(client.id) got \(numbers) in \(writes) writes, not \(expected[client.id] ?? [:])")
            }
        }
    }

    private func publish(_ name: ChannelName) {
        nextNumber += 1
        let channel = Self.number(of: name)
        let payload = Payload(text: "\(channel * 1_000_000 + nextNumber)")
        shard.publish(
            PreparedPublication(Publication(channel: name, payload: payload), formats: formats, receivedAt: 0))
        model.publish(channel, nextNumber)
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
    }

    private func compareBroker() throws {
        guard broker.wanted == Set(model.channels.keys.map { "c\($0)" }) else {
            throw Disagreement(description: "the broker is subscribed to \(broker.wanted)")
        }
        for name in Self.names {
            let state = model.channels[Self.number(of: name)]
            let count = state?.isActive == true ? state?.members.count ?? 0 : 0
            guard shard.subscribers(of: name) == count else {
                throw Disagreement(description: "\(name) has not \(count)")
            }
        }
    }
}
