import FanfareChaos
import Testing

@Suite("Chaos: judge")
struct JudgeTests {
    private typealias Position = Judge.Position

    /// Two clients that begin at the same place of channel 0.
    private func judge() -> Judge {
        var judge = Judge(channels: 2)
        for client in 0..<2 { judge.began(client: client, channel: 0, at: Position(epoch: "a", offset: 5)) }
        return judge
    }

    private func id(_ number: Int, channel: Int = 0) -> PublicationID {
        PublicationID(channel: channel, publisher: 1, number: number)
    }

    private func deliver(_ judge: inout Judge, _ client: Int, _ id: PublicationID?, at offset: UInt64) {
        judge.delivered(client: client, channel: 0, id, offset: offset) { "text" }
    }

    @Test("everything once and in order, also across a leap of offsets, is right")
    func good() {
        var judge = judge()
        for client in 0..<2 {
            for (number, offset) in [(1, 6), (2, 7), (3, 1_048_582)] {
                deliver(&judge, client, id(number), at: UInt64(offset))
            }
        }
        for (number, offset) in [(1, 6), (2, 7), (3, 1_048_582)] {
            judge.acknowledged(id(number), at: Position(epoch: "a", offset: UInt64(offset)))
        }
        judge.verifyEnd()
        #expect(judge.totals.isEmpty, "\(judge.violations)")
        #expect(judge.counts.deliveries == 6 && judge.counts.acknowledged == 3)
    }

    @Test("what one got and another passed over is lost, and told once")
    func lost() {
        var judge = judge()
        for number in 1...3 { deliver(&judge, 0, id(number), at: UInt64(5 + number)) }
        for number in [1, 3] { deliver(&judge, 1, id(number), at: UInt64(5 + number)) }
        judge.verify()
        judge.verifyEnd()
        #expect(judge.totals == [.lost: 1])
        #expect(judge.violations.first?.client == 1)
    }

    @Test("what was acknowledged and reached nobody, and what one has not got at the end, is lost")
    func lostAtTheEnd() {
        var judge = judge()
        deliver(&judge, 0, id(1), at: 6)
        judge.acknowledged(id(1), at: nil)
        judge.acknowledged(id(2), at: nil)
        judge.verify()
        #expect(judge.totals.isEmpty)
        judge.verifyEnd()
        #expect(judge.totals == [.lost: 2])
    }

    @Test("what a recovery passes over is lost")
    func lostInRecovery() {
        var judge = judge()
        for number in 1...3 { deliver(&judge, 0, id(number), at: UInt64(5 + number)) }
        judge.recovered(client: 1, channel: 0, epoch: "a")
        judge.reached(client: 1, channel: 0, at: Position(epoch: "a", offset: 8))
        judge.verify()
        #expect(judge.totals == [.lost: 3])
    }

    @Test("the same once more is a repeat, for one client and in the stream")
    func repeated() {
        var judge = judge()
        for _ in 0..<2 { deliver(&judge, 0, id(1), at: 6) }
        #expect(judge.totals == [.repeated: 1])
        deliver(&judge, 0, id(1), at: 7)
        #expect(judge.totals == [.repeated: 2])
    }

    @Test("a late one is out of order and not lost")
    func reordered() {
        var judge = judge()
        for client in 0..<2 {
            for offset: UInt64 in client == 0 ? [6, 7, 8] : [6, 8, 7] {
                deliver(&judge, client, id(Int(offset)), at: offset)
            }
        }
        judge.verifyEnd()
        #expect(judge.totals == [.reordered: 1])
    }

    @Test("a publisher's publications in another order in the stream are out of order, those of unknown outcome aside")
    func reorderedInTheStream() {
        var judge = judge()
        for client in 0..<2 {
            for (number, offset) in [(2, 6), (1, 7)] { deliver(&judge, client, id(number), at: UInt64(offset)) }
        }
        var other = judge
        other.unknown(id(1))
        other.verifyEnd()
        #expect(other.totals.isEmpty)
        judge.verifyEnd()
        #expect(judge.totals == [.reordered: 1])
    }

    @Test("what is of nobody, of another channel, or not what others saw there, is foreign")
    func foreign() {
        var judge = judge()
        deliver(&judge, 0, nil, at: 6)
        deliver(&judge, 0, id(1, channel: 1), at: 7)
        deliver(&judge, 0, id(3), at: 8)
        deliver(&judge, 1, id(4), at: 8)
        #expect(judge.totals == [.foreign: 3])
    }

    @Test("being told is wrong while the data is there, and right when it is gone")
    func told() {
        var judge = judge()
        judge.told(client: 0, channel: 0, at: Position(epoch: "a", offset: 9))
        judge.told(client: 0, channel: 0, at: Position(epoch: "b", offset: 9))
        #expect(judge.totals == [.told: 2])
        judge.wiped()
        judge.told(client: 1, channel: 0, at: Position(epoch: "c", offset: 1))
        #expect(judge.totals == [.told: 2])
        #expect(judge.position(client: 1, channel: 0) == Position(epoch: "c", offset: 1))
        judge.told(client: 1, channel: 0, at: Position(epoch: "d", offset: 1))
        #expect(judge.totals == [.told: 3])
    }
}
