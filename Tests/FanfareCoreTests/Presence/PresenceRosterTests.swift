import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Presence roster")
struct PresenceRosterTests {
    private let client = ClientInfo(client: "1", user: "ann")

    @Test("a client that is there is told once, however many subscriptions it has")
    func once() {
        var roster = PresenceRoster(timing: PresenceTiming(ttl: .seconds(60)))
        roster.join(client, now: 1)
        roster.join(client, now: 1)
        #expect(roster.work(now: 1) == [.join([client], returning: false, call: 1)] && roster.count == 1)
        roster.joinAnswered(1, clients: ["1"], isDone: true, now: 2)
        roster.join(client, now: 3)
        #expect(roster.work(now: 1_000_000).isEmpty)
        roster.leave("1", now: 1_000_001)
        #expect(roster.work(now: 1_000_001) == [.leave(["1"])] && roster.count == 0)
    }

    @Test("one that comes with another info is told anew")
    func changed() {
        var roster = PresenceRoster(timing: PresenceTiming(ttl: .seconds(60)))
        roster.join(client, now: 1)
        _ = roster.work(now: 1)
        let other = ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: "1"))
        roster.join(other, now: 2)
        #expect(roster.work(now: 1_000_000) == [.join([other], returning: false, call: 2)])
    }
}
