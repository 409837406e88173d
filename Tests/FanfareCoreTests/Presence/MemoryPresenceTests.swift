import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Members in memory")
struct MemoryPresenceTests {
    private func info(_ number: Int) -> ClientInfo {
        ClientInfo(client: ExactText("c\(number)"), user: ExactText("u\(number % 10)"))
    }

    @Test("ten thousand members that come one by one, stay and run out cost a few steps each")
    func steps() {
        var presence = MemoryPresence()
        let count = 10_000
        for number in 0..<count {
            _ = presence.join([info(number)], returning: false, until: UInt64(1_000 + number))
            let next = presence.nextExpiry()
            #expect(next == 1_000)
            _ = presence.reap(now: 0, memory: 100)
        }
        for round in 1...3 {
            for number in 0..<count {
                _ = presence.refresh([ExactText("c\(number)")], until: UInt64(round * 20_000 + number))
                _ = presence.nextExpiry()
            }
        }
        #expect(presence.stats == PresenceStats(clients: count, users: 10))
        var dead = 0
        for now in 0..<count {
            dead += presence.reap(now: UInt64(60_000 + now), memory: 100).count
            _ = presence.nextExpiry()
        }
        #expect(dead == count && presence.count == 0)
        #expect(presence.stats == PresenceStats(clients: 0, users: 0))
        #expect(presence.steps < 20 * count, "\(presence.steps) steps")
    }

    @Test("clients that come and go at once leave nothing behind but a bounded rest")
    func churn() {
        var presence = MemoryPresence()
        for number in 0..<10_000 {
            _ = presence.join([info(number)], returning: false, until: UInt64(number))
            let left = presence.leave([ExactText("c\(number)")])
            #expect(left.count == 1)
        }
        let next = presence.nextExpiry()
        #expect(presence.isEmpty && next == nil)
        #expect(presence.steps < 100_000)
    }

    @Test("by chance, it is what a walk over all members would be", arguments: 0..<20)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var presence = MemoryPresence()
        var model: [ExactText: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<2_000 {
            let client = info(Int.random(in: 0..<30, using: &random))
            // Mostly in order; two loops may ask in another one.
            let expiry = now + UInt64.random(in: 90...100, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let joined = presence.join([client], returning: false, until: expiry)
                #expect(joined.isEmpty == (model[client.client] != nil))
                model[client.client] = expiry
            case 2:
                let left = presence.leave([client.client])
                let earlier = model.removeValue(forKey: client.client)
                #expect(left.isEmpty == (earlier == nil))
            case 3:
                let missing = presence.refresh([client.client], until: expiry)
                #expect(missing.isEmpty == (model[client.client] != nil))
                if missing.isEmpty { model[client.client] = expiry }
            default:
                now += UInt64.random(in: 0...20, using: &random)
                let dead = Set(presence.reap(now: now, memory: 50).map(\.client))
                let expected = Set(model.filter { $0.value <= now }.keys)
                #expect(dead == expected)
                for client in expected { model[client] = nil }
            }
            let next = presence.nextExpiry()
            #expect(next == model.values.min())
            #expect(presence.count == model.count)
        }
    }
}
