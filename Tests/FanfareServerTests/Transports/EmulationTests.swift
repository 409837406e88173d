import FanfareCore
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Requests that bring messages to sessions")
struct EmulationTests {
    private let node = NodeID.random()

    private func session(loop: Int = 0) -> SessionID { .make(for: .make(node: node, loop: loop)) }

    @Test(
        "the requests of a session that wait are bounded, those of a node and all in number and bytes; what ends makes room"
    )
    func bounds() {
        var requests = EmulationRequests()
        func begins(_ session: SessionID, _ bytes: Int) -> Bool { requests.begin(session, bytes: bytes) }
        let one = session()
        for _ in 0..<EmulationBounds.requestsOfSession { #expect(begins(one, 10)) }
        #expect(!begins(one, 0))
        requests.end(one, bytes: 10)
        #expect(begins(one, 10))
        let nodes = (0..<4).map { _ in NodeID.random() }
        func elsewhere(_ node: Int) -> SessionID { .make(for: .make(node: nodes[node], loop: 0)) }
        var others: [SessionID] = []
        /// Takes as many sessions' requests as have room.
        func fill(_ make: () -> SessionID) -> Int {
            let before = others.count
            while others.count <= EmulationBounds.requests {
                let other = make()
                guard begins(other, 1) else { break }
                others.append(other)
            }
            return others.count - before
        }
        #expect(fill { session() } == EmulationBounds.requestsOfNode - EmulationBounds.requestsOfSession)
        for node in 0..<3 { #expect(fill { elsewhere(node) } == EmulationBounds.requestsOfNode) }
        #expect(fill { elsewhere(3) } == 0 && requests.all.count == EmulationBounds.requests)
        for other in others { requests.end(other, bytes: 1) }
        for _ in 0..<EmulationBounds.requestsOfSession { requests.end(one, bytes: 10) }
        requests.end(one, bytes: 10)
        #expect(requests.all == EmulationRequests.Load())
        #expect(begins(one, EmulationBounds.bytesOfNode + 1), "a single one is never too large")
        #expect(!begins(session(), 1) && begins(elsewhere(1), 1), "a node's bytes")
        #expect(begins(elsewhere(2), EmulationBounds.requestBytes - EmulationBounds.bytesOfNode - 2))
        #expect(!begins(elsewhere(3), 1), "the bytes of all")
    }

    @Test(
        "a message goes to the event loop in its session's id; another loop, and another node while there is no bus, has none"
    )
    func places() {
        let metrics = NodeMetrics(loops: 2)
        let relay = EmulationRelay(node: node, metrics: metrics)
        let mailboxes = (0..<2).map { _ in Mailbox<EmulatedMessage>(wake: {}) }
        let bus = ControlBus(
            node: ClusterNode(id: node, name: "n", version: "1", startedAt: 0),
            broker: MemoryBroker(formats: FormatTable([], compressionThreshold: .max), metrics: metrics.broker),
            receiver: 2, metrics: metrics.control, isAlone: true, run: { _ in })
        for (index, mailbox) in mailboxes.enumerated() { relay.add(mailbox, loop: index) }
        relay.connect(bus)
        let outcomes = Mutex<[EmulatedMessage.Outcome]>([])
        func heard() -> [EmulatedMessage.Outcome] { outcomes.withLock(\.self) }
        func send(_ session: SessionID, bytes: Int = 2) {
            let payload = Payload(kind: .text, bytes: ByteBuffer(repeating: 0x20, count: bytes))
            relay.send(
                EmulatedMessage(session: session, payload: payload) { outcome in
                    outcomes.withLock { $0.append(outcome) }
                })
        }
        send(session(loop: 1))
        #expect(mailboxes[0].take().isEmpty && mailboxes[1].take().count == 1)
        #expect(heard().isEmpty, "its event loop answers")
        send(session(loop: 2))
        send(.make(for: .make(node: .random(), loop: 0)))
        #expect(heard() == [.gone, .gone])
        send(session(), bytes: EmulationBounds.loopBytes - EmulationBounds.overhead)
        send(session())
        #expect(heard().last == .full && mailboxes[0].take().count == 1)
    }

    @Test("the body is an object with a session and data, both texts; other members are passed over")
    func bodies() throws {
        let request = try #require(
            EmulationRequest(ByteBuffer(string: #"{"session":"s","node":7,"data":"{\"id\":1}\n{}","x":[]}"#)))
        #expect(request.session == "s" && String(buffer: request.data.bytes) == "{\"id\":1}\n{}")
        for body in [
            "", "x", "[]", "{}", #"{"session":"s"}"#, #"{"data":"d"}"#, #"{"session":1,"data":"d"}"#,
            #"{"session":"s","data":{}}"#, #"{"session":"s","data":null}"#, #"{"session":"s","data":"\ud800"}"#,
            #"{"session":"s","data":"d"} x"#,
        ] {
            #expect(EmulationRequest(ByteBuffer(string: body)) == nil, "\(body)")
        }
    }

    @Test("the first commands of a GET are form-encoded in its address")
    func query() {
        func value(_ target: String) -> String? { ConnectQuery.value(target).map { String(buffer: $0) } }
        #expect(value("/connection/sse?x=1&cf_connect=%7B%22a%22%3A%22b+c%2B%22%7D&y") == #"{"a":"b c+"}"#)
        #expect(value("/connection/sse?cf_connect={}") == "{}")
        for target in ["/connection/sse", "/connection/sse?", "/connection/sse?cf_connect=", "/a?xcf_connect=1"] {
            #expect(value(target) == "", "\(target)")
        }
        for target in ["/a?cf_connect=%", "/a?cf_connect=%ff", "/a?cf_connect=%7"] { #expect(value(target) == nil) }
    }
}
