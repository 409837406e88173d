import Testing

@testable import FanfareWire

@Suite("Client ids")
struct ClientIDTests {
    @Test("an id says where its client is, and is read as it was written")
    func roundTrip() throws {
        for _ in 0..<1_000 {
            let node = NodeID.random()
            let loop = Int.random(in: 0..<ClientID.maximumLoops)
            let id = ClientID.make(node: node, loop: loop)
            let read = try #require(ClientID(ExactText(id.description)))
            #expect(read == id && read.node == node && read.loop == loop)
        }
        let last = try #require(ClientID("ffffffff-0000-4000-8000-00000000abcd"))
        #expect(last.node.rawValue == (1 << 26) - 1 && last.loop == 63)
        #expect(last.description == "ffffffff-0000-4000-8000-00000000abcd")
    }

    @Test("its form is that of a UUID, as it always was")
    func form() {
        let groups = ClientID.make(node: .random(), loop: 0).description.split(separator: "-").map(\.utf8.count)
        #expect(groups == [8, 4, 4, 4, 12])
    }

    @Test("96 bits are drawn anew for each, every one of them")
    func random() throws {
        let node = try #require(NodeID(rawValue: 1))
        let ids = (0..<2_000).map { _ in ClientID.make(node: node, loop: 1).description }
        #expect(Set(ids).count == ids.count)
        // Behind the first group each digit takes each of its sixteen values; that one is missing here has odds of 10⁻⁵⁰.
        for place in 9..<36 where place != 13 && place != 18 && place != 23 {
            #expect(Set(ids.map { Array($0.utf8)[place] }).count == 16, "digit \(place)")
        }
    }

    @Test(
        "what is no id is none",
        arguments: [
            "", "0", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
            "00000000-0000-0000-0000-00000000000G", "00000000-0000-0000-0000-00000000000A",
            "000000000000-0000-0000-00000000-0000", "00000000-0000-0000-0000-0000000000\u{E9}",
        ])
    func nonsense(text: String) {
        #expect(ClientID(ExactText(text)) == nil)
    }
}
