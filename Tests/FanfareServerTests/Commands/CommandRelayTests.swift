import Dispatch
import FanfareCore
import FanfareTestKit
import FanfareWire
import Synchronization
import Testing

@testable import FanfareProtocols
@testable import FanfareServer

@Suite("Commands for clients, over the control bus")
struct CommandRelayTests {
    /// Time that a test moves on.
    private final class Time: Sendable {
        private let microseconds = Mutex<UInt64>(1)
        func pass(_ time: Duration) { microseconds.withLock { $0 += UInt64(time.components.seconds) * 1_000_000 } }
        var now: UInt64 { microseconds.withLock(\.self) }
    }

    private func send(_ relay: CommandRelay, user: ExactText?, client: ClientID? = nil) async throws
        -> Result<CommandRelay.Outcome, ControlError>
    {
        let target = try #require(CommandTarget(user: user, client: client))
        return await withCheckedContinuation { continuation in
            relay.send(.refresh(expiresAt: nil), to: target) { continuation.resume(returning: $0) }
        }
    }

    @Test("a burst of emitters' requests waits for each event loop, and leaves the API's room")
    func bursts() throws {
        let relay = CommandRelay(node: .random())
        let (mailbox, rooms) = (
            Mailbox<ClientCommands.Request>(wake: {}), Mailbox<ClientCommands.Request>(wake: {})
        )
        relay.add(mailbox, rooms: rooms, loop: 0)
        for number in 0..<5_000 {
            let request = EmitterRequest(
                namespace: "/", action: .join(["x"]), rooms: [ExactText("user:\(number)")], except: [])
            #expect(relay.perform(try SocketIORoomCommand(request, Self.rules, limit: 64)))
        }
        #expect(rooms.take().count == 5_000 && mailbox.take().isEmpty)
    }

    private static let rules = ChannelRulebook(namespaces: ["user": ChannelRules()])

    @Test(
        "a node that may not know of all says so, and one that knows no commands is told apart from one that is silent")
    func nodes() async throws {
        let (time, queue, metrics) = (Time(), DispatchQueue(label: "bus"), BrokerMetrics())
        let broker = MemoryBroker(rules: ChannelRulebook(), formats: FormatTable(), metrics: metrics)
        let clock = NodeClock(
            wallMicroseconds: NodeClock.system.wallMicroseconds, monotonicMicroseconds: { time.now })
        let buses = ["new", "old"].enumerated().map { receiver, name in
            ControlBus(
                node: ClusterNode(id: .random(), name: ExactText(name), version: "1", startedAt: 0), broker: broker,
                receiver: receiver, metrics: CounterBlock<ControlCounter>(), clock: clock,
                run: { body in queue.async { body() } })
        }
        let (new, old) = (buses[0], buses[1])
        let relay = CommandRelay(node: new.node.id)
        relay.connect(new)
        broker.start(receivers: buses.map(\.mailbox))
        for bus in buses { bus.start() }
        try await eventually("they see each other") { buses.allSatisfy { $0.nodeCount == 2 } }

        let early = try await send(relay, user: "42").get()
        #expect(early.isEarly && early.nodes == 1 && early.silent.isEmpty && early.unable == ["old"])
        try await eventually("it is sure of all") {
            time.pass(ControlBounds.announceInterval)
            new.advance()
            old.advance()
            return !new.isYoung
        }
        let all = try await send(relay, user: "42").get()
        #expect(!all.isEarly && all.nodes == 1 && all.silent.isEmpty && all.unable == ["old"])
        let there = try await send(relay, user: nil, client: .make(node: old.node.id, loop: 0)).get()
        #expect(there.unable == ["old"] && there.nodes == 0 && there.silent.isEmpty)
        let nowhere = try await send(relay, user: nil, client: .make(node: .random(), loop: 0)).get()
        #expect(nowhere.nodes == 0 && nowhere.unable.isEmpty && nowhere.silent.isEmpty)
        let large = try await send(relay, user: ExactText(String(repeating: "u", count: 70_000)))
        guard case .failure(.tooLarge) = large else {
            Issue.record("\(large)")
            return
        }
        for bus in buses { bus.stop() }
        await broker.shutdown()
    }
}
