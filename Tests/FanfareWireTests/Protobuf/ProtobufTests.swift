import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Protobuf")
struct ProtobufTests {
    private enum Field: UInt32 {
        case one = 1
        case two = 2
        case last = 536_870_911
    }

    private func fields(_ bytes: [UInt8]) throws(ProtobufError) -> [ProtobufReader.Field] {
        var (reader, fields) = (ProtobufReader(ByteBuffer(bytes: bytes)), [ProtobufReader.Field]())
        while let field = try reader.next() { fields.append(field) }
        return fields
    }

    @Test(
        "numbers of every size are written as short as they can be and read back",
        arguments: [
            (1, "0801"), (127, "087f"), (128, "088001"), (300, "08ac02"), (1 << 63, "0880808080808080808001"),
            (.max, "08ffffffffffffffffff01"),
        ] as [(UInt64, String)])
    func numbers(number: UInt64, bytes: String) throws {
        var buffer = ByteBuffer()
        buffer.writeProtobuf(Field.one, number)
        #expect(Hexadecimal.text(buffer.readableBytesView) == bytes)
        #expect(try fields(Hexadecimal.bytes(bytes)) == [.init(number: 1, value: .varint(number))])
    }

    @Test("what has its default is not written, but a message is")
    func defaults() {
        var buffer = ByteBuffer()
        buffer.writeProtobuf(Field.one, 0 as UInt32)
        buffer.writeProtobuf(Field.one, false)
        buffer.writeProtobuf(Field.one, "")
        buffer.writeProtobuf(Field.one, ByteBuffer())
        #expect(buffer.readableBytes == 0)
        buffer.writeProtobuf(Field.last) { _ in }
        #expect(Hexadecimal.text(buffer.readableBytesView) == "faffffff0f00")
    }

    @Test(
        "a message is whole, however long it was thought to be",
        arguments: [0, 1, 126, 127, 128, 16_383, 16_384, 70_000], [0, 127, 128, 20_000, 3_000_000])
    func lengths(count: Int, thought: Int) throws {
        var buffer = ByteBuffer(string: "before")
        buffer.moveReaderIndex(forwardBy: 2)
        let text = String(repeating: "x", count: count)
        buffer.writeProtobuf(Field.one, about: thought) { buffer in
            buffer.writeProtobuf(Field.two, about: thought / 2) { $0.writeProtobuf(Field.one, text) }
            buffer.writeProtobuf(Field.last, true)
        }
        buffer.writeProtobuf(Field.two, "behind")
        #expect(buffer.readString(length: 4) == "fore")
        var reader = ProtobufReader(buffer)
        guard case .bytes(let outer)? = try reader.next()?.value else {
            Issue.record("no message")
            return
        }
        #expect(try reader.next()?.value.text == "behind")
        #expect(try reader.next() == nil)
        var within = ProtobufReader(outer)
        guard case .bytes(let inner)? = try within.next()?.value else {
            Issue.record("no message within it")
            return
        }
        #expect(try within.next() == .init(number: 536_870_911, value: .varint(1)))
        var innermost = ProtobufReader(inner)
        #expect(try innermost.next()?.value.text ?? "" == text)
    }

    @Test("fields of all kinds are passed over by their length")
    func kinds() throws {
        let all = "0801" + "11" + "0102030405060708" + "1a03" + "616263" + "25" + "01020304" + "2a00"
        let found = try fields(Hexadecimal.bytes(all))
        #expect(found.map(\.number) == [1, 2, 3, 4, 5])
        #expect(found[1].value == .fixed && found[3].value == .fixed)
        #expect(found[2].value.text == "abc" && found[4].value.text == "")
    }

    @Test(
        "what is cut off, too long or out of use is refused",
        arguments: [
            "08", "0880", "08ffffffffffffffffff02", "08ffffffffffffffffffff01", "0a05616263", "0affffffffffffffffff01",
            "0a8080808010", "0a", "0a80", "1101020304050607", "25010203", "0b", "0b0c", "0c", "0e", "0f", "00", "0001",
            "8080808010", "888080808000",
        ])
    func refused(bytes: String) { #expect(throws: ProtobufError()) { try fields(Hexadecimal.bytes(bytes)) } }

    @Test(
        "text is UTF-8", arguments: [("c3a9", true), ("ff", false), ("c0af", false), ("eda080", false), ("c3", false)])
    func text(bytes: String, isText: Bool) {
        let value = ProtobufReader.Value.bytes(ByteBuffer(bytes: Hexadecimal.bytes(bytes)))
        #expect((value.text != nil) == isText)
        #expect(ProtobufReader.Value.varint(1).text == nil)
    }
}
