import Testing

@testable import FanfareRedis

@Suite("Hash slots and redirects")
struct HashSlotTests {
    @Test("slots are those of Redis")
    func slots() {
        #expect(HashSlot.crc16("123456789".utf8) == 0x31C3)
        // `CLUSTER KEYSLOT`
        let known = [
            ("", 0), ("foo", 12_182), ("{user1000}.following", 3_443), ("foo{}{bar}", 8_363), ("somekey", 11_058),
        ]
        for (name, slot) in known { #expect(HashSlot.slot(of: name.utf8) == slot, "\(name)") }
        #expect(HashSlot.slot(of: "x{a}y".utf8) == HashSlot.slot(of: "a".utf8))
        #expect(HashSlot.slot(of: "x{a".utf8) == Int(HashSlot.crc16("x{a".utf8)) % HashSlot.count)
        #expect(HashSlot.slot(of: "foo{{bar}}zap".utf8) == HashSlot.slot(of: "{bar".utf8))
    }

    @Test("a tag is found for every slot")
    func tags() {
        for slot in stride(from: 0, to: HashSlot.count, by: 1_111) {
            let tag = HashSlot.tag { $0 == slot }
            #expect(tag.map { HashSlot.slot(of: $0.utf8) } == slot)
        }
        #expect(HashSlot.tag { _ in false } == nil)
    }

    @Test("redirects are read, and what is none is not")
    func redirects() {
        let from = RedisEndpoint(host: "h", port: 1)
        #expect(
            ClusterRedirect("MOVED 3999 127.0.0.1:6381", from: from)
                == .moved(slot: 3_999, .init(host: "127.0.0.1", port: 6_381)))
        #expect(ClusterRedirect("MOVED 1 :6381", from: from) == .moved(slot: 1, .init(host: "h", port: 6_381)))
        #expect(ClusterRedirect("MOVED 1 ::1:6381", from: from) == .moved(slot: 1, .init(host: "::1", port: 6_381)))
        for words in ["ASK 1 h:2", "TRYAGAIN Multiple keys", "CLUSTERDOWN The cluster is down"] {
            #expect(ClusterRedirect(words, from: from) == .later)
        }
        for words in [
            "", "MOVED", "MOVED x h:1", "MOVED 16384 h:1", "MOVED 1 h:0", "MOVED 1 h", "ERR x", "MOVED 1 h:99999",
        ] {
            #expect(ClusterRedirect(words, from: from) == nil)
        }
    }

    @Test("a map is read from CLUSTER SLOTS, and nonsense is not")
    func map() throws {
        func node(_ host: RedisValue, _ port: Int) -> RedisValue {
            .array([host, .integer(port), .text("id"), .array([])])
        }
        let asked = RedisEndpoint(host: "asked", port: 1)
        let answer = RedisValue.array([
            .array([.integer(0), .integer(99), node(.text("a"), 1), node(.text("b"), 2)]),
            .array([.integer(100), .integer(16_383), node(.none, 3)]),
        ])
        var map = try #require(ClusterMap(answer, asked: asked))
        #expect(map[0] == .init(host: "a", port: 1) && map[99] == map[0] && map[100] == .init(host: "asked", port: 3))
        #expect(map.openSlots == 0 && map.masters.count == 2 && map.nodes.count == 3)
        let other = RedisEndpoint(host: "c", port: 4)
        let isNews = map.move(7, to: other)
        let again = map.move(7, to: other)
        #expect(isNews && !again && map[7] == other && map[8] == map[0])
        #expect(ClusterMap().openSlots == HashSlot.count)
        for bad: RedisValue in [
            .text("x"), .array([.array([.integer(5), .integer(4), node(.text("a"), 1)])]),
            .array([.array([.integer(0), .integer(16_384), node(.text("a"), 1)])]),
            .array([.array([.integer(0), .integer(1), node(.text("a"), 0)])]), .array([.array([])]),
        ] {
            #expect(ClusterMap(bad, asked: asked) == nil)
        }
    }
}
