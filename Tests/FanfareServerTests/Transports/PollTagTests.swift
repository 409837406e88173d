import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Tags of polls")
struct PollTagTests {
    private let position = StreamPosition(offset: 42, epoch: "k3vxq7ab")

    @Test("a tag fits, weak or not, alone or among others, in one field or several")
    func fits() {
        for fields in [
            ["W/\"42.k3vxq7ab\""], ["\"42.k3vxq7ab\""], ["\"a\", W/\"42.k3vxq7ab\" "], ["\"a\"", "\"42.k3vxq7ab\""],
            ["*"],
        ] {
            #expect(PollTag.matches(position, fields), "\(fields)")
        }
        #expect(PollTag.matches(position, [PollTag.text(position)]))
    }

    @Test("nothing else fits")
    func others() {
        for field in [
            "", "42.k3vxq7ab", "\"42.k3vxq7a\"", "W/42.k3vxq7ab", "w/\"42.k3vxq7ab\"", "\"4\"2.k3vxq7ab\"",
            "\"43.k3vxq7ab\"", ",",
            "**",
        ] {
            #expect(!PollTag.matches(position, [field]), "\(field)")
        }
        #expect(!PollTag.matches(position, []))
    }
}
