import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("MessagePack")
struct MessagePackReaderTests {
    private func values(_ hexadecimal: String) throws(MessagePackError) -> [MessagePackReader.Value] {
        var (reader, values) = (MessagePackReader(ByteBuffer(bytes: bytes(hexadecimal))), [MessagePackReader.Value]())
        while !reader.isAtEnd { values.append(try reader.next()) }
        return values
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.filter { $0 != " " })
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    }

    @Test(
        "every form of the specification is read",
        arguments: [
            ("00", .unsigned(0)), ("7f", .unsigned(127)), ("cc 80", .unsigned(128)), ("cd 0100", .unsigned(256)),
            ("ce 00010000", .unsigned(65_536)), ("cf ffffffffffffffff", .unsigned(.max)), ("ff", .negative(-1)),
            ("e0", .negative(-32)), ("d0 80", .negative(-128)), ("d1 8000", .negative(-32_768)),
            ("d2 80000000", .negative(-2_147_483_648)), ("d3 8000000000000000", .negative(.min)),
            ("d0 05", .unsigned(5)), ("d3 0000000000000007", .unsigned(7)), ("c0", .null), ("c2", .bool(false)),
            ("c3", .bool(true)), ("ca 3fc00000", .double(1.5)), ("cb 3ff8000000000000", .double(1.5)),
            ("a0", .string(ByteBuffer())), ("a2 c3a9", .string(ByteBuffer(string: "é"))),
            ("d9 01 61", .string(ByteBuffer(string: "a"))), ("da 0001 61", .string(ByteBuffer(string: "a"))),
            ("db 00000001 61", .string(ByteBuffer(string: "a"))), ("c4 01 ff", .binary(ByteBuffer(bytes: [255]))),
            ("c5 0001 ff", .binary(ByteBuffer(bytes: [255]))), ("c6 00000001 ff", .binary(ByteBuffer(bytes: [255]))),
            ("d4 05 01", .ext(type: 5, ByteBuffer(bytes: [1]))),
            ("d5 ff 0102", .ext(type: -1, ByteBuffer(bytes: [1, 2]))),
            ("c7 00 01", .ext(type: 1, ByteBuffer())), ("c8 0001 02 03", .ext(type: 2, ByteBuffer(bytes: [3]))),
            ("c9 00000001 02 03", .ext(type: 2, ByteBuffer(bytes: [3]))), ("90", .array(0)), ("80", .map(0)),
        ] as [(String, MessagePackReader.Value)])
    func forms(hexadecimal: String, value: MessagePackReader.Value) throws {
        #expect(try values(hexadecimal) == [value])
        // Cut off anywhere it is nothing.
        for length in 1..<max(1, bytes(hexadecimal).count) {
            var reader = MessagePackReader(ByteBuffer(bytes: bytes(hexadecimal).prefix(length)))
            #expect(throws: MessagePackError.malformed) { try reader.next() }
        }
    }

    @Test("arrays and maps are their heads, and their elements follow")
    func nested() throws {
        #expect(
            try values("92 81 a1 61 01 dc 0001 c0") == [
                .array(2), .map(1), .string(ByteBuffer(string: "a")), .unsigned(1), .array(1), .null,
            ])
        var reader = MessagePackReader(ByteBuffer(bytes: bytes("92 81 a1 61 92 01 02 c3 07")))
        try reader.skip()
        #expect(try reader.next() == .unsigned(7) && reader.isAtEnd)
    }

    @Test(
        "what promises more than there is, text that is not UTF-8, and the unused head are refused at once",
        arguments: [
            "dd ffffffff 00", "df 7fffffff 0000", "dc ffff", "de 0001 00", "c6 ffffffff 00", "db ffffffff", "c1",
            "c9 ffffffff 00", "95 00", "82 0000", "",
        ])
    func hostile(hexadecimal: String) {
        var reader = MessagePackReader(ByteBuffer(bytes: bytes(hexadecimal)))
        #expect(throws: MessagePackError.malformed) { try reader.next() }
        #expect(throws: MessagePackError.notUTF8) { try values("a2 c328") }
    }

    @Test("a value as deep as a message is long is skipped without a stack")
    func deep() throws {
        var reader = MessagePackReader(ByteBuffer(bytes: Array(repeating: 0x91, count: 1_000_000) + [0xC0]))
        try reader.skip()
        #expect(reader.isAtEnd)
    }
}
