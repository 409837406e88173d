import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Admin places")
struct AdminPlacesTests {
    private func address(_ number: UInt32) -> ClientAddress { ClientAddress(v4: number) }

    @Test("when all places are taken, the address with the most of them loses the one that did nothing for longest")
    func fair() {
        var places = AdminPlaces(limit: 4)
        #expect(places.enter(1, from: address(9)) == nil)
        for id in 2...4 { #expect(places.enter(id, from: address(5)) == nil) }
        places.note(2, isBusy: true)
        // 2 is busy, 3 is idle for longer than 4.
        #expect(places.enter(5, from: address(7)) == 3)
        #expect(places.enter(6, from: address(5)) == 4)
        // 5 has 2 and 6.
        #expect(places.enter(7, from: address(5)) == 6)
        places.note(7, isBusy: true)
        places.note(2, isBusy: false)
        #expect(places.enter(8, from: address(5)) == 2)
        #expect(places.count == 4)
        places.leave(8)
        places.leave(8)
        #expect(places.enter(9, from: address(1)) == nil && places.count == 4)
    }

    @Test("where nobody has more than others, the idlest goes, and who waits for an answer only when all do")
    func equals() {
        var places = AdminPlaces(limit: 3)
        for id in 1...3 { _ = places.enter(id, from: address(UInt32(id))) }
        places.note(1, isBusy: true)
        #expect(places.enter(4, from: address(4)) == 2)
        places.note(3, isBusy: true)
        places.note(4, isBusy: true)
        #expect(places.enter(5, from: address(5)) == 1)
    }

    @Test("never more than the limit, and never the one that comes, whatever happens")
    func model() {
        for seed in 0..<200 {
            var random = SeededRandom(seed: UInt64(seed))
            let limit = Int.random(in: 1...6, using: &random)
            var places = AdminPlaces(limit: limit)
            var living: [Int: Int] = [:]
            for id in 1...200 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    if let some = living.keys.randomElement(using: &random) {
                        places.leave(some)
                        living[some] = nil
                    }
                case 1:
                    if let some = living.keys.randomElement(using: &random) {
                        places.note(some, isBusy: Bool.random(using: &random))
                    }
                default:
                    let from = Int.random(in: 0..<4, using: &random)
                    let leaver = places.enter(id, from: address(UInt32(from)))
                    #expect((leaver != nil) == (living.count == limit))
                    if let leaver {
                        let most = Dictionary(grouping: living.values + [from], by: \.self).values.map(\.count).max()
                        let own = living.values.filter { $0 == living[leaver] }.count + (living[leaver] == from ? 1 : 0)
                        #expect(
                            leaver != id && (own == most || living.values.filter { $0 == from }.isEmpty || limit == 1))
                        living[leaver] = nil
                    }
                    living[id] = from
                }
                #expect(places.count == living.count && living.count <= limit)
            }
        }
    }
}
