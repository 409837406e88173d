import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Client directory")
struct ClientDirectoryTests {
    private final class Client {
        let id: ExactText?
        let user: ExactText?

        init(_ id: ExactText?, _ user: ExactText? = nil) {
            self.id = id
            self.user = user
        }
    }

    @Test("clients are found by id and by user, as long as they are there")
    func lookup() {
        var directory = ClientDirectory<Client>()
        let clients = [
            Client("1", "ann"), Client("2", "ann"), Client("3", "\u{E9}"), Client(nil, "ann"), Client("5", ""),
        ]
        for client in clients { directory.add(client, id: client.id, user: client.user) }
        #expect(directory["1"] === clients[0] && directory["5"] === clients[4] && directory["4"] == nil)
        #expect(directory.clients(of: "ann").count == 3)
        #expect(directory.clients(of: "\u{E9}").first === clients[2])
        #expect(directory.clients(of: "e\u{301}").isEmpty && directory.clients(of: "").isEmpty)
        #expect(directory.count == 5 && directory.userCount == 2)
        for client in clients { directory.remove(client) }
        #expect(directory.count == 0 && directory.userCount == 0 && directory["1"] == nil)
    }

    @Test("who has neither id nor user is not in it")
    func anonymous() {
        var directory = ClientDirectory<Client>()
        let client = Client(nil)
        directory.add(client, id: nil, user: nil)
        #expect(directory.count == 0 && directory.userCount == 0)
        directory.remove(client)
    }

    @Test("one that goes takes no other with it: an id that was taken over, a client that goes twice")
    func stale() {
        var directory = ClientDirectory<Client>()
        let (old, new) = (Client("1", "ann"), Client("1", "ann"))
        directory.add(old, id: "1", user: "ann")
        directory.add(new, id: "1", user: "ann")
        directory.remove(old)
        #expect(directory["1"] === new && directory.clients(of: "ann").first === new)
        directory.remove(old)
        #expect(directory["1"] === new && directory.clients(of: "ann").count == 1)
    }

    @Test("a client whose user becomes known stands under both")
    func later() {
        var directory = ClientDirectory<Client>()
        let client = Client("1")
        directory.add(client, id: "1", user: nil)
        directory.add(client, id: "1", user: "ann")
        #expect(directory.count == 1 && directory["1"] === client && directory.clients(of: "ann").count == 1)
        directory.add(client, id: "2", user: "bob")
        #expect(directory["1"] == nil && directory.clients(of: "ann").isEmpty && directory["2"] === client)
        directory.remove(client)
        #expect(directory.count == 0 && directory.userCount == 0)
    }

    @Test("whatever comes and goes, it says what a plain list says")
    func model() {
        var random = SeededRandom(seed: 7)
        var directory = ClientDirectory<Client>()
        var there: [Client] = []
        let users: [ExactText?] = [nil, "", "a", "b", "c"]
        for step in 0..<5_000 {
            if there.isEmpty || Bool.random(using: &random) {
                let client = Client(
                    Bool.random(using: &random) ? ExactText("\(step)") : nil, users.randomElement(using: &random) ?? nil
                )
                there.append(client)
                directory.add(client, id: client.id, user: client.user)
            } else {
                let client = there.remove(at: Int.random(in: 0..<there.count, using: &random))
                directory.remove(client)
            }
            for user in ["a", "b", "c"] as [ExactText] {
                let expected = Set(there.filter { $0.user == user }.map(ObjectIdentifier.init))
                #expect(Set(directory.clients(of: user).map(ObjectIdentifier.init)) == expected)
            }
            #expect(directory.count == there.count { $0.id != nil || $0.user?.isEmpty == false })
        }
        for client in there { if let id = client.id { #expect(directory[id] === client) } }
    }
}
