import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

/// Which clients an event loop can be asked for, over their lives.
@Suite("Clients in the directory of their loop")
struct DirectoryTests {
    private func identity(_ user: ExactText) -> ClientIdentity {
        var claims = ConnectClaims()
        claims.user = user
        return ClientIdentity(claims, permissions: .subscribe, now: NodeClock.system.tokenTime)
    }

    private func raw(_ user: ExactText?, id: String?) throws -> Session {
        .raw(
            RawSession(
                channel: try ChannelName("c"), rules: ChannelRules(), mayPublish: false,
                grants: Grants(anonymous: .subscribe, identity: user.map(identity)), clientID: id))
    }

    private func centrifuge(_ bench: ClientBench) -> Session {
        .centrifuge(CentrifugeSession(bench.node.centrifuge, clientID: bench.loop.makeClientID()))
    }

    @Test("an anonymous raw client is not in it; one with a user or an id is, until it goes")
    func rawClients() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let anonymous = try bench.client(try raw(nil, id: nil))
        #expect(bench.loop.directory.count == 0)
        let ann = try bench.client(try raw("ann", id: nil))
        let member = try bench.client(try raw(nil, id: "1"))
        #expect(bench.loop.directory.count == 2 && bench.loop.directory["1"] === member.client)
        #expect(bench.loop.directory.clients(of: "ann").first === ann.client)
        for client in [anonymous, ann, member] { client.disconnect() }
        #expect(bench.loop.directory.count == 0 && bench.loop.directory.userCount == 0)
    }

    @Test("a publication that names a client is not heard by it, and by all others of the channel")
    func excluded() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let ids = [bench.loop.makeClientID(), bench.loop.makeClientID()]
        let clients = try ids.map { id in
            let client = try bench.client(try raw(nil, id: id))
            client.client.opening = ClientOpening { _ in client.client.opening = nil }
            bench.loop.shard.subscribe(client.client, to: try ChannelName("c"), request: 0)
            bench.run()
            return client
        }
        for (text, id) in [("1", ids[0]), ("2", ids[1]), ("3", nil)] {
            let options = PublishOptions(excludedClient: id.flatMap { ClientID(ExactText($0)) })
            bench.broker.publish(
                Publication(channel: try ChannelName("c"), payload: Payload(text: text)), options: options
            ) { _ in }
        }
        bench.run()
        #expect(clients.map { $0.received() } == [["2", "3"], ["1", "3"]])
    }

    @Test("a Centrifuge client is in it from its connect on, by an id that says its node and loop")
    func centrifugeClients() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let client = try bench.client(centrifuge(bench))
        #expect(bench.loop.directory.count == 0)
        try client.send(#"{"id":1,"connect":{}}"#)
        bench.run()
        let text = try #require(client.client.session.clientID)
        #expect(bench.loop.directory[text] === client.client)
        let id = try #require(ClientID(text))
        #expect(id.node == bench.node.id && id.loop == 0)
        client.disconnect()
        #expect(bench.loop.directory.count == 0)
    }
}
