import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: presence")
struct CentrifugePresenceTests {
    private func session() -> CentrifugeSession {
        var all = ChannelRules()
        all.presence = true
        var open = all
        open.readPresence = .clients
        var closed = all
        closed.readPresence = .nobody
        var quiet = ChannelRules()
        quiet.joinLeave = true
        let book = ChannelRulebook(namespaces: ["all": all, "open": open, "closed": closed, "quiet": quiet])
        var session = CentrifugeSession(
            policy: .init(
                nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 3,
                permissions: .publish, channels: book))
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        return session
    }

    private func code(_ action: SessionAction) -> Int? {
        guard case .refuse(let body) = action else { return nil }
        return code(body)
    }

    private func code(_ body: Body) -> Int? {
        body.text.firstMatch(of: /"code":(\d+)/).flatMap { Int($0.1) }
    }

    @Test("who may ask gets an answer, who may not an error that says why")
    func permissions() throws {
        var session = session()
        for method in [CentrifugeCommand.Method.presence(channel:), CentrifugeCommand.Method.presenceStats(channel:)] {
            #expect(code(session.receive(.init(id: 2, method: method("plain")))) == 108)
            #expect(code(session.receive(.init(id: 2, method: method("quiet:1")))) == 108)
            #expect(code(session.receive(.init(id: 2, method: method("closed:1")))) == 103)
            #expect(code(session.receive(.init(id: 2, method: method("what:1")))) == 102)
            #expect(code(session.receive(.init(id: 2, method: method("")))) == 107)
        }
        let (open, all) = (try ChannelName("open:1"), try ChannelName("all:1"))
        #expect(session.receive(.init(id: 3, method: .presence(channel: "open:1"))) == .presence(open, id: 3))
        #expect(session.receive(.init(id: 4, method: .presenceStats(channel: "open:1"))) == .presenceStats(open, id: 4))
        #expect(code(session.receive(.init(id: 5, method: .presence(channel: "all:1")))) == 103)
        _ = session.receive(.init(id: 6, method: .subscribe(channel: "all:1")))
        #expect(code(session.receive(.init(id: 7, method: .presence(channel: "all:1")))) == 103, "not in force yet")
        _ = session.subscribed(all, id: 6, SubscriptionStart())
        #expect(session.receive(.init(id: 8, method: .presence(channel: "all:1"))) == .presence(all, id: 8))
    }

    @Test("an answer that is too big, or that the broker does not give, is an error")
    func answers() {
        let session = session()
        let page = PresencePage(members: [ClientInfo(client: "1")], total: 1)
        let reply = session.presence(id: 2, .success(page), maxBytes: 1_000)
        #expect(code(reply) == nil && reply.text.contains(#""1":{"user":"","client":"1"}"#))
        #expect(code(session.presence(id: 2, .success(page), maxBytes: 20)) == 106)
        #expect(code(session.presence(id: 2, .success(PresencePage(members: [], total: 9)), maxBytes: 1_000)) == 106)
        #expect(code(session.presence(id: 2, .success(PresencePage(members: [], total: 0)), maxBytes: 1_000)) == nil)
        #expect(code(session.presence(id: 2, .failure(.unavailable), maxBytes: 1_000)) == 100)
        #expect(code(session.presenceStats(id: 2, .failure(.unavailable))) == 100)
        let stats = session.presenceStats(id: 2, .success(PresenceStats(clients: 2, users: 1)))
        #expect(stats.text.contains(#""num_clients":2,"num_users":1"#))
    }
}
