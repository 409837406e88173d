import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Positions of several channels as text")
struct PositionListTests {
    private func channels(_ names: String...) -> [ChannelName] { names.compactMap { try? ChannelName($0) } }

    private func position(_ offset: UInt64, _ epoch: String = "k3vxq7ab") -> StreamPosition {
        StreamPosition(offset: offset, epoch: epoch)
    }

    @Test("an epoch that is that of the position before is left out")
    func written() {
        let abc = channels("a", "b", "c")
        let list = PositionList([position(42), position(7), position(9, "other")], of: abc)
        #expect("\(list)".hasPrefix("42.k3vxq7ab,7,9.other~"))
        #expect(PositionList("\(list)", of: abc) == list)
        #expect(PositionList("42.k3vxq7ab,7.k3vxq7ab,9.other", of: abc) == list, "as a program writes it")
    }

    @Test("a list of other channels, or of the same in another order, is none")
    func others() {
        let ab = channels("a", "b")
        let text = "\(PositionList([position(1), position(2)], of: ab))"
        #expect(PositionList(text, of: ab) != nil)
        for names in [
            channels("b", "a"), channels("a", "c"), channels("ab", "x"), channels("a"), channels("a", "b", "c"),
        ] {
            #expect(PositionList(text, of: names) == nil)
        }
    }

    @Test(
        "nothing else is a list",
        arguments: [
            "", ",", "1.e", "1.e,", ",1.e", "1,2.e", "1.e,2.e,3", "1.e,02", "1.e,-2", "1.e, 2", "1.e,2~", "1.e,2~aaaa",
            "1.e,2~x~y", "1.e;2", "1.e,2.", "1.e,2.\u{212A}", "1.e,+2", "1.e,2.e\n",
        ])
    func refused(text: String) { #expect(PositionList(text, of: channels("a", "b")) == nil) }

    @Test("a text that is longer than any list is not looked at")
    func long() {
        let text = String(repeating: "1.e,", count: 100_000) + "1.e"
        #expect(PositionList(text, of: channels("a", "b")) == nil)
    }

    @Test("eight channels of one Redis have room in an id, five with epochs of their own")
    func room() {
        let names = (0..<10).compactMap { try? ChannelName("channel:\($0)") }
        func isComfortable(_ count: Int, _ epoch: (Int) -> String) -> Bool {
            let positions = (0..<count).map { position(999_999_999_999, epoch($0)) }
            let list = PositionList(positions, of: Array(names[..<count]))
            let fits = "\(list)".utf8.count <= PositionList.comfortableBytes
            #expect(list.isComfortable == fits, "\(list)")
            return list.isComfortable
        }
        #expect(isComfortable(8) { _ in "k3vxq7ab" } && !isComfortable(9) { _ in "k3vxq7ab" })
        #expect(PositionList.comfortableCount == 5)
        #expect(isComfortable(5) { "k3vxq7a\($0)" } && !isComfortable(6) { "k3vxq7a\($0)" })
    }

    @Test("an event has its reader's id and the bytes that all share, in chunks that say their length")
    func events() throws {
        let line = ByteBuffer(string: #"{"channel":"a","data":1}"#)
        let list = PositionList([position(5)], of: channels("a"))
        for delimiting in StreamDelimiting.allCases {
            let shared = SharedEvent.body(line, at: position(5), delimiting).bytes
            let event = try #require(SharedEvent(shared, delimiting))
            #expect(event.position == position(5))
            let frame = String(buffer: event.frame(list).joined)
            let plain = "id: \(list)\ndata: \(String(buffer: line))\n\n"
            #expect(frame == (delimiting == .bare ? plain : String(plain.utf8.count, radix: 16) + "\r\n\(plain)\r\n"))
            let none = try #require(SharedEvent(SharedEvent.body(line, at: nil, delimiting).bytes, delimiting))
            #expect(none.position == nil && !String(buffer: none.frame(nil).joined).contains("id:"))
        }
        #expect(SharedEvent(ByteBuffer(string: "no line break in sight, and no position either"), .bare) == nil)
    }

    @Test("what is read is written so that it reads the same, whatever it is made of", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let names = channels("a", "b", "c")
        let check = "\(PositionList([position(1), position(2), position(3)], of: names))".suffix(5)
        let items = ["1.e", "2", "42.k3vxq7ab", "7.e", "18446744073709551615", "07", "x", "", "1.\u{212A}", ".e"]
        let tails = ["", String(check), "~", ",1", "~aaaa", "\u{301}"]
        var count = 0
        for _ in 0..<1_000 {
            let some = (0..<3).map { _ in items.randomElement(using: &random) ?? "" }
            let text = some.joined(separator: ",") + (tails.randomElement(using: &random) ?? "")
            guard let list = PositionList(text, of: names) else { continue }
            count += 1
            #expect(PositionList("\(list)", of: names, isChecked: true) == list, "\(text)")
            #expect(
                PositionList(text, of: channels("a", "b")) == nil
                    && PositionList("\(list)", of: names.reversed()) == nil)
        }
        #expect(count > 0)
    }
}
