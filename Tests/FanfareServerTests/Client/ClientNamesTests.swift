import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Names that clients chose")
struct ClientNamesTests {
    @Test("a name is the newest client's; who had it before gives nothing back")
    func names() {
        let names = ClientNames()
        let node = NodeID.random()
        let (first, second) = (ClientID.make(node: node, loop: 0), ClientID.make(node: node, loop: 1))
        #expect(names.take("a", for: first) == nil && names.take("a", for: first) == nil)
        #expect(names.take("b", for: second) == nil)
        #expect(names.take("a", for: second) == first)
        names.leave("a", first)
        #expect(names.count == 2 && names.take("a", for: first) == second)
        names.leave("a", first)
        names.leave("b", second)
        #expect(names.count == 0)
    }
}
