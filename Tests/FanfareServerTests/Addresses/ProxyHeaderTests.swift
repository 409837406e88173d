import Testing

@testable import FanfareServer

@Suite("PROXY protocol")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    private func second(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        Self.signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    private func read(_ bytes: [UInt8]) -> ProxyHeader.Verdict {
        ProxyHeader.read(Array(bytes.prefix(ProxyHeader.decisive)), count: bytes.count)
    }

    private let v4: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0, 80, 1, 187]
    private let v6: [UInt8] =
        [0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1] + Array(repeating: 2, count: 20)

    /// A header is incomplete until its last byte, and what follows it is not looked at.
    private func check(_ header: [UInt8], _ address: String?) {
        for count in 0..<header.count { #expect(read(Array(header[..<count])) == .incomplete, "\(count) of \(header)") }
        let expected = ProxyHeader.Verdict.header(address.flatMap { ClientAddress($0) }, length: header.count)
        #expect(read(header) == expected)
        #expect(read(header + Array("GET / HTTP/1.1\r\n\r\n".utf8)) == expected)
        #expect(read(header + Array(repeating: 0, count: 200)) == expected)
    }

    @Test("version 1")
    func first() {
        let longest =
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
        #expect(longest.utf8.count == 104)
        for (line, address) in [
            ("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", "192.0.2.1"),
            ("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "2001:db8::1"), ("PROXY UNKNOWN\r\n", nil),
            ("PROXY UNKNOWN ffff::ffff 6.6.6.6 x\r\n", nil), (longest, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 1\r\n", "192.0.2.1"),
        ] { check(Array(line.utf8), address) }
    }

    @Test(
        "what is no version 1 header is none",
        arguments: [
            "GET / HTTP/1.1\r\n", "proxy TCP4 ", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", "PROXY TCP4 1.2.3.4 x 1 1\r\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n", "PROXY TCP6 [::1] ::1 1 1\r\n",
            "PROXY UNKNOWN" + String(repeating: " ", count: 107) + "\r\n",
        ])
    func notFirst(line: String) { #expect(read(Array(line.utf8)) == .invalid) }

    @Test("version 2")
    func second() {
        check(second(0x21, 0x11, v4), "192.0.2.1")
        check(second(0x21, 0x21, v6), "2001:db8::1")
        check(second(0x21, 0x11, v4 + Array(repeating: 9, count: 300)), "192.0.2.1")
        check(second(0x21, 0x21, v6 + [3, 0, 4, 1, 2, 3, 4]), "2001:db8::1")
        // LOCAL, also with addresses; not known; a Unix socket.
        for header in [
            second(0x20, 0x00, []), second(0x20, 0x11, v4), second(0x21, 0x00, []), second(0x21, 0x00, [1, 2, 3]),
            second(0x21, 0x31, Array(repeating: 47, count: 216)),
        ] { check(header, nil) }
    }

    @Test("what is no version 2 header is none")
    func notSecond() {
        for header in [
            second(0x11, 0x11, v4), second(0x22, 0x11, v4), second(0x31, 0x11, v4), second(0x21, 0x12, v4),
            second(0x21, 0x22, v6), second(0x21, 0x41, v6), second(0x21, 0x11, Array(v4.dropLast())),
            second(0x21, 0x21, Array(v6.dropLast())), second(0x21, 0x21, v4),
            second(0x21, 0x11, Array(repeating: 0, count: 4_097)), Array("\r\n\r\nGET / HTTP/1.1".utf8),
        ] { #expect(read(header) == .invalid, "\(header.prefix(20))") }
        var wrong = second(0x21, 0x11, v4)
        for index in Self.signature.indices {
            wrong[index] ^= 1
            #expect(read(wrong) == .invalid)
            wrong[index] ^= 1
        }
    }
}
