import FanfareTestKit
import Testing

@testable import FanfareWire

@Suite("Stream positions as text")
struct StreamPositionTests {
    @Test("a position is read as it is written", arguments: [0, 1, 42, UInt64.max])
    func written(offset: UInt64) {
        for epoch in ["e", "k3vxq7ab", "0", "ABCDEFGHIJKLMNO"] {
            let position = StreamPosition(offset: offset, epoch: epoch)
            #expect(position.description == "\(offset).\(epoch)" && StreamPosition(position.description) == position)
            #expect(position.description.utf8.count <= StreamPosition.maximumTextBytes)
        }
    }

    @Test(
        "nothing else is a position",
        arguments: [
            "", ".", "7", "7.", ".e", "e.7", "-1.e", "+7.e", "07.e", "00.e", " 7.e", "7 .e", "7.e ", "7. e", "7.e.e",
            "7..e",
            "7.e\n", "0x7.e", "7_0.e", "7,e", "7.é", "7.e\u{301}", "7.\u{212A}", "7\u{301}.e", "7.\u{301}e", "٧.e",
            "7.e\0",
            "18446744073709551616.e", "7.ABCDEFGHIJKLMNOP", "000000000000000000000000000007.e",
        ])
    func refused(text: String) {
        #expect(StreamPosition(text) == nil)
        #expect(StreamPosition(Substring(text)) == nil)
    }

    @Test("what is read is written as it was, whatever it is made of", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let pieces = ["0", "1", "9", ".", "e", "Z", "+", "-", " ", "é", "\u{301}", "18446744073709551615", "k3vxq7ab"]
        var count = 0
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 1..<6, using: &random)).reduce(into: "") { text, _ in
                text += pieces.randomElement(using: &random) ?? ""
            }
            guard let position = StreamPosition(text) else { continue }
            count += 1
            #expect(Array(position.description.utf8) == Array(text.utf8))
        }
        #expect(count > 0)
    }
}
