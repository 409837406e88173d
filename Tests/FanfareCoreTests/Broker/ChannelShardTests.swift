import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Channel shards")
struct ChannelShardTests {
    @Test("both hashes are the published ones")
    func vectors() {
        #expect(ChannelShard.fnv1a("".utf8) == 0xCBF2_9CE4_8422_2325)
        #expect(ChannelShard.fnv1a("a".utf8) == 0xAF63_DC4C_8601_EC8C)
        #expect(ChannelShard.fnv1a("foobar".utf8) == 0x8594_4171_F739_67E8)
        let jumps: [(UInt64, Int, Int)] = [(1, 1, 0), (42, 57, 43), (0xDEAD_10CC, 666, 361), (256, 1_024, 520)]
        for (key, count, index) in jumps { #expect(ChannelShard.jump(key, among: count) == index) }
    }

    @Test("channels spread evenly", arguments: ["user:", "chat/", ""])
    func even(stem: String) throws {
        var counts = [Int](repeating: 0, count: 8)
        for number in 0..<40_000 {
            counts[ChannelShard.index(of: try ChannelName("\(stem)\(number)"), among: 8)] += 1
        }
        for count in counts { #expect(abs(count - 5_000) < 350, "\(counts)") }
    }

    @Test("another instance takes its share of the channels and moves no other")
    func growth() throws {
        var moved = 0
        for number in 0..<20_000 {
            let channel = try ChannelName("c\(number)")
            let (before, after) = (ChannelShard.index(of: channel, among: 4), ChannelShard.index(of: channel, among: 5))
            if before != after {
                moved += 1
                #expect(after == 4)
            }
        }
        #expect(abs(moved - 4_000) < 300, "\(moved)")
    }
}
