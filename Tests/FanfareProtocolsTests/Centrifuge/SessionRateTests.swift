import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: rates")
struct SessionRateTests {
    private let subscribe = CentrifugeCommand(id: 7, method: .subscribe(channel: "a"))

    private func session() -> CentrifugeSession {
        CentrifugeSession(
            policy: .init(
                nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 3,
                permissions: .publish))
    }

    @Test("a command that came too early is told when to come back, in milliseconds, rounded up; nothing else happens")
    func refusal() throws {
        var session = session()
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        for (wait, told) in [(1, 1), (1_000, 1), (1_001, 2), (339_001, 340)] as [(UInt64, Int)] {
            guard case .refuse(let body) = session.refuseForNow(subscribe, wait: wait) else {
                Issue.record("not refused")
                return
            }
            let expected =
                #"{"id":7,"error":{"code":111,"message":"too many requests","temporary":true,"retry_after":\#(told)}}"#
            #expect(body.text == expected)
        }
        #expect(session.channelCount == 0)
        let name = try ChannelName("a")
        #expect(session.receive(subscribe) == .subscribe(name, .none, id: 7))
    }

    @Test("before connect nobody is told anything, except for connect itself")
    func order() {
        guard case .refuse = session().refuseForNow(.init(id: 1, method: .connect(token: "t")), wait: 1) else {
            Issue.record("connect is not refused")
            return
        }
        #expect(session().refuseForNow(subscribe, wait: 1) == .disconnect(.badRequest))
    }

    @Test("what asks the broker or checks a signature has a rate, what ends something has none")
    func kinds() {
        func rate(_ method: CentrifugeCommand.Method) -> ClientRate? {
            CentrifugeCommand(id: 1, method: method).rate
        }
        #expect(rate(.publish(channel: "a", data: ByteBuffer())) == .publications)
        #expect(rate(.subscribe(channel: "a")) == .subscriptions)
        #expect(rate(.subRefresh(channel: "a", token: "t")) == .subscriptions)
        #expect(rate(.presence(channel: "a")) == .reads && rate(.presenceStats(channel: "a")) == .reads)
        #expect(rate(.refresh(token: "t")) == .subscriptions && rate(.connect(token: nil)) == .subscriptions)
        for method in [.unsubscribe(channel: "a"), .ping, .pong, .rpc] as [CentrifugeCommand.Method] {
            #expect(rate(method) == nil)
        }
    }
}
