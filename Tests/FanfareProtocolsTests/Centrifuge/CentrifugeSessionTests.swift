import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session")
struct CentrifugeSessionTests {
    private func session(_ permissions: ClientPermissions = .publish, channels: Int = 3) -> CentrifugeSession {
        CentrifugeSession(
            policy: .init(
                nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20,
                maxChannels: channels, permissions: permissions))
    }

    private func connected(_ permissions: ClientPermissions = .publish, channels: Int = 3) -> CentrifugeSession {
        var session = session(permissions, channels: channels)
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        return session
    }

    private func code(_ action: SessionAction) -> Int? {
        guard case .refuse(let body) = action else { return nil }
        let text = body.text
        return text.firstMatch(of: /"code":(\d+)/).flatMap { Int($0.1) }
    }

    @Test("nothing works before connect, and connect works once")
    func order() {
        var fresh = session()
        #expect(fresh.receive(.init(id: 1, method: .subscribe(channel: "a"))) == .disconnect(.badRequest))
        #expect(fresh.receive(.init(id: 0, method: .pong)) == .disconnect(.badRequest))
        #expect(!fresh.isConnected)
        guard case .send = fresh.receive(.init(id: 1, method: .connect(token: nil))) else {
            Issue.record("no reply to connect")
            return
        }
        #expect(fresh.isConnected)
        #expect(fresh.receive(.init(id: 2, method: .connect(token: nil))) == .disconnect(.badRequest))
    }

    @Test("permissions are checked for each command")
    func permissions() {
        var nobody = session(.none)
        #expect(code(nobody.receive(.init(id: 1, method: .connect(token: nil)))) == 101)
        #expect(!nobody.isConnected)
        var listener = connected(.subscribe)
        #expect(code(listener.receive(.init(id: 2, method: .publish(channel: "a", data: ByteBuffer())))) == 103)
        guard case .subscribe = listener.receive(.init(id: 3, method: .subscribe(channel: "a"))) else {
            Issue.record("a listener may subscribe")
            return
        }
    }

    @Test("a channel is subscribed once, at most so many of them, and only with a good name")
    func channels() throws {
        var session = connected(channels: 2)
        let name = try ChannelName("a")
        #expect(session.receive(.init(id: 2, method: .subscribe(channel: "a"))) == .subscribe(name, .none, id: 2))
        #expect(code(session.receive(.init(id: 3, method: .subscribe(channel: "a")))) == 105)
        _ = session.receive(.init(id: 4, method: .subscribe(channel: "b")))
        #expect(code(session.receive(.init(id: 5, method: .subscribe(channel: "c")))) == 106)
        #expect(code(session.receive(.init(id: 6, method: .subscribe(channel: "bad name")))) == 107)
        #expect(
            code(session.receive(.init(id: 7, method: .subscribe(channel: "123456789012345678901")))) == 107)
        guard case .unsubscribe(name, _) = session.receive(.init(id: 8, method: .unsubscribe(channel: "a"))) else {
            Issue.record("no unsubscribe")
            return
        }
        #expect(session.channelCount == 1)
        guard case .subscribe = session.receive(.init(id: 9, method: .subscribe(channel: "c"))) else {
            Issue.record("there is room again")
            return
        }
    }

    @Test("a subscription that could not be had may be asked for again")
    func failure() throws {
        var session = connected()
        _ = session.receive(.init(id: 2, method: .subscribe(channel: "a")))
        let body = session.subscribeFailed(try ChannelName("a"), id: 2, .unavailable)
        let text = body.text
        #expect(text.contains(#""code":100"#) && text.contains(#""temporary":true"#))
        #expect(session.channelCount == 0)
    }

    @Test("what does not exist yet has the protocol's own answer")
    func notAvailable() {
        var session = connected()
        #expect(code(session.receive(.init(id: 2, method: .presence(channel: "a")))) == 108)
        #expect(code(session.receive(.init(id: 3, method: .presenceStats(channel: "a")))) == 108)
        #expect(code(session.receive(.init(id: 4, method: .history(channel: "a")))) == 108)
        #expect(code(session.receive(.init(id: 5, method: .rpc))) == 108)
        #expect(session.receive(.init(id: 6, method: .refresh(token: ""))) == .disconnect(.badRequest))
        #expect(session.receive(.init(id: 0, method: .send)) == .disconnect(.notAvailable))
        #expect(session.receive(.init(id: 0, method: .pong)) == .none)
    }

    @Test(
        "an unsubscribe never fails, for SDKs reconnect when it does", arguments: ["never asked for", "a b", "", "x*"])
    func unsubscribe(name: String) {
        var session = connected()
        guard case .send = session.receive(.init(id: 2, method: .unsubscribe(channel: ExactText(name)))) else {
            Issue.record("an unsubscribe of '\(name)' has another answer than its reply")
            return
        }
    }

    @Test("a subscription that is withdrawn before its answer makes room and may be asked for again")
    func withdrawn() throws {
        var session = connected(channels: 1)
        let name = try ChannelName("a")
        for id in stride(from: UInt32(2), to: 20, by: 2) {
            #expect(session.receive(.init(id: id, method: .subscribe(channel: "a"))) == .subscribe(name, .none, id: id))
            let action = session.receive(.init(id: id + 1, method: .unsubscribe(channel: "a")))
            guard case .unsubscribe(name, let replies) = action else {
                Issue.record("not withdrawn")
                return
            }
            let text = replies.text
            #expect(text.contains(#"{"id":\#(id),"subscribe":{}}"#), "both commands are answered")
            #expect(text.hasSuffix(#"{"id":\#(id + 1),"unsubscribe":{}}"#))
            #expect(session.channelCount == 0)
        }
    }

    @Test("a publisher is told what became of its publish, in the broker's words")
    func published() {
        let session = connected()
        let text = { (result: Result<PublishReceipt, BrokerError>) in session.published(id: 9, result).text }
        #expect(text(.success(PublishReceipt())).hasSuffix(#"{"id":9,"publish":{}}"#))
        for error in [BrokerError.unavailable, .unknownOutcome, .overloaded, .refused("no \"room\"")] {
            let answer = text(.failure(error))
            #expect(answer.contains(#""code":100"#) && answer.contains(#""temporary":true"#))
            #expect(answer.contains("\(error)".replacing("\"", with: "\\\"")))
        }
    }

    @Test("a session without channels is small")
    func memory() {
        #expect(MemoryLayout<CentrifugeSession>.size <= 128)
    }
}
