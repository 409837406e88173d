import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("What a read costs")
struct ReadCostTests {
    private let rates = ClientRates(reads: Rate(perSecond: 1))
    private let now: UInt64 = 1_000_000

    @Test(
        "a read counts by its bytes or by what it has many of, whichever is more",
        arguments: [
            (0, 0, 1), (1, 1, 1), (65_536, 100, 1), (65_537, 1, 2), (1, 101, 2), (30_000, 1_000, 10),
            (500_000, 1_000, 10), (4_194_304, 1_000, 64),
        ])
    func reads(bytes: Int, items: Int, reads: Int) { #expect(ReadCost(bytes: bytes, items: items).reads == reads) }

    @Test("what stands around each publication and member counts, and what is beside a payload")
    func overhead() throws {
        let channel = try ChannelName("a")
        let tags = try PublicationTags([.init(name: "n", value: ExactText(String(repeating: "x", count: 1_000)))])
        let publication = Publication(
            channel: channel, payload: Payload(text: "1"), metadata: PublicationMetadata(tags: tags))
        let page = HistoryPage(
            publications: [publication, publication], position: StreamPosition(offset: 2, epoch: "e"), unreadable: 3)
        #expect(ReadCost(page).bytes >= 2_000 + 2 * ReadCost.overhead && ReadCost(page).items == 5)
        var start = SubscriptionStart(publications: [publication])
        start.shared = SharedFrames([publication, publication])
        #expect(start.size > 1_000 && start.weight == start.size + ReadCost.overhead)
        let members = PresencePage(members: [ClientInfo(client: "1", user: "u")], total: 1)
        #expect(ReadCost(members).items == 1 && ReadCost(members).bytes > ReadCost.overhead)
    }

    @Test("a read of a thousand small publications is a debt of nine more")
    func answered() {
        var throttle = Throttle()
        let first = throttle.ask(.reads, rates, now: now)
        throttle.answered(ReadCost(bytes: 30_000, items: 1_000), rates, now: now)
        let wait = throttle.ask(.reads, rates, now: now)
        #expect(first == nil && wait == 10_000_000 && !throttle.holds(now: now))
    }

    @Test("a recovery of a thousand holds a client in debt back, one of a hundred is free")
    func recovered() {
        var throttle = Throttle()
        for _ in 0..<1_000 { throttle.recovered(ReadCost(bytes: 65_536, items: 100), rates, now: now) }
        #expect(!throttle.holds(now: now))
        throttle.recovered(ReadCost(bytes: 2_000, items: 1_000), rates, now: now)
        #expect(throttle.until == now + 9_000_000 && throttle.cause == .reads)
    }

    @Test("a client with default limits recovers a thousand small publications in a dozen channels, and goes on")
    func honest() {
        var throttle = Throttle()
        let rates = ClientRates(Limits())
        for _ in 0..<12 { throttle.recovered(ReadCost(bytes: 200_000, items: 1_000), rates, now: now) }
        let wait = throttle.ask(.reads, rates, now: now)
        #expect(!throttle.holds(now: now) && wait == nil)
    }

    @Test("a thousand clients of an address come back at once, and what comes on top waits")
    func address() {
        let group = ClientGroups<Int>(Limits().ofAddress).group(1, now: now)
        for _ in 0..<1_000 {
            #expect(group.mayRecover(now: now))
            group.recovered(items: 1_000, now: now)
        }
        #expect(group.mayRecover(now: now))
        for _ in 0..<200 { group.recovered(items: 1_000, now: now) }
        #expect(!group.mayRecover(now: now) && !group.isForgettable(now: now))
        // What was under way then has no longer debt behind it.
        for _ in 0..<5_000 { group.recovered(items: 1_000, now: now) }
        #expect(!group.mayRecover(now: now + 1_990_000) && group.mayRecover(now: now + 2_000_000))
        // Small ones are attempts, and nothing else.
        let other = ClientGroups<Int>(Limits().ofAddress).group(1, now: now)
        for _ in 0..<100_000 { other.recovered(items: 100, now: now) }
        #expect(other.mayRecover(now: now))
        // No limit, and no reason to know a group.
        var limits = Limits()
        (limits.maxConnectionsPerAddress, limits.maxConnectRatePerAddress) = (0, 0)
        #expect(limits.ofAddress.isUnlimited && !Limits().ofAddress.isUnlimited)
        limits.maxReadRate = 0
        let free = ClientGroups<Int>(limits.ofAddress).group(1, now: now)
        for _ in 0..<10_000 { free.recovered(items: 1_000, now: now) }
        #expect(free.mayRecover(now: now))
    }
}
