import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Client addresses")
struct ClientAddressTests {
    private func hop(_ text: String) -> String? { ClientAddress(hop: Array(text.utf8)[...])?.description }

    @Test(
        "every form that proxies write is read",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("192.0.2.1:443", "192.0.2.1"), ("192.0.2.1:0", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"), ("[2001:DB8::1]:65535", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
            ("1::", "1::"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"), ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ])
    func forms(text: String, address: String) { #expect(hop(text) == address) }

    @Test(
        "what is no address, or could be read in two ways, is none",
        arguments: [
            "", " ", "unknown", "_hidden", "localhost", "a.example", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
            "1.2.3.04",
            "1.2.3.+4", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "0x7f.0.0.1", "2130706433", "1.2.3.4:",
            "1.2.3.4:x",
            "1.2.3.4:65536", "1.2.3.4:123456", "1.2.3.4:80:80", "[1.2.3.4]", "[1.2.3.4]:80", "[::1", "::1]", "[::1]80",
            "[::1]:", "[]", "[::1]:80x", ":", ":::", "1:::2", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4::5:6:7:8", "12345::", "g::", "fe80::1%eth0", "[fe80::1%1]", "fe80::1%25eth0", "::1.2.3.4:80",
            "1.2.3.4::", "::1.2.3", "::1.2.3.4.5", "1:2:3:4:5:6:7:1.2.3.4", "\u{661}.2.3.4", "1.2.3.4\u{0}",
            "::\u{FF11}",
            "0000000000000000000000000000001::", "1.2.3.4, 5.6.7.8",
        ])
    func garbage(text: String) { #expect(hop(text) == nil) }

    @Test("what is written can be read again, and NIO reads the same")
    func roundTrip() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<5_000 {
            // Many zeros, so that all kinds of gaps come.
            let groups = (0..<8).map { _ in
                Bool.random(using: &random) ? 0 : UInt64.random(in: 0...0xFFFF, using: &random)
            }
            func half(_ part: ArraySlice<UInt64>) -> UInt64 { part.reduce(0) { $0 << 16 | $1 } }
            let address = ClientAddress(high: half(groups[..<4]), low: half(groups[4...]))
            #expect(ClientAddress(address.description) == address)
            let socket = try SocketAddress(ipAddress: address.description, port: 1)
            #expect(ClientAddress(socket) == address)
        }
        let v4 = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let mapped = try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 1)
        #expect(ClientAddress(v4) == ClientAddress("192.0.2.1") && ClientAddress(mapped) == ClientAddress(v4))
        #expect(ClientAddress(try SocketAddress(unixDomainSocketPath: "/a")) == nil && ClientAddress(nil) == nil)
    }

    @Test("hostile bytes never trap")
    func fuzz() {
        var random = SeededRandom(seed: 3)
        let alphabet = Array("0123456789abcdefF:.[]%,;=\"\\ _\t/".utf8) + [0, 255]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            _ = ClientAddress(hop: bytes[...])
            _ = ForwardedElement.client(bytes[...])
            var list = ListFromRight([String(decoding: bytes, as: UTF8.self)], isQuoted: true)
            while list.next() != nil {}
            for start in [[], Array("PROXY TCP4 ".utf8), Array("PROXY TCP6 ::1 ".utf8)] {
                _ = ProxyHeader.read(start + bytes, count: start.count + bytes.count)
            }
        }
    }

    @Test("IPv6 is counted by /64, IPv4 by address")
    func counted() {
        let one = ClientAddress("2001:db8:1:2:3:4:5:6")?.counted
        #expect(one == ClientAddress("2001:db8:1:2:ffff::")?.counted && one != ClientAddress("2001:db8:1:3::")?.counted)
        let site = ClientAddress("2001:db8:1:2:3:4:5:6")?.site
        #expect(site == ClientAddress("2001:db8:1:ffff::")?.site && site != ClientAddress("2001:db8:2::")?.site)
        #expect(ClientAddress("192.0.2.1")?.site == ClientAddress("192.0.2.1"))
        #expect(ClientAddress("192.0.2.1")?.counted != ClientAddress("192.0.2.2")?.counted)
        #expect(ClientAddress("::1")?.counted != ClientAddress("0.0.0.0")?.counted)
    }
}

@Suite("Trusted networks")
struct TrustedNetworkTests {
    @Test("keywords, addresses and networks hold what they should, and no neighbour")
    func contains() throws {
        let cases: [(String, inside: [String], outside: [String])] = [
            ("none", [], ["127.0.0.1", "::1", "10.0.0.1"]),
            (
                "loopback", ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"],
                ["126.255.255.255", "::2", "10.0.0.1"]
            ),
            (
                "private",
                [
                    "127.0.0.1", "::1", "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.7.7",
                    "169.254.1.1", "fc00::1", "fdff::", "fe80::1", "febf::1",
                ],
                [
                    "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.0.1", "100.64.0.1", "8.8.8.8", "fe00::",
                    "fec0::",
                    "2001:db8::1", "::",
                ]
            ),
            ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8", "::c000:207"]),
            ("192.0.2.0/25,2001:db8::/33", ["192.0.2.127", "2001:db8:7fff::"], ["192.0.2.128", "2001:db8:8000::"]),
            ("::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.0"]),
            ("0.0.0.0/0", ["8.8.8.8"], ["::1"]), ("::/0", ["8.8.8.8", "::1"], []),
            (" LOOPBACK  192.0.2.7 ", ["127.0.0.1", "192.0.2.7"], ["192.0.2.8"]),
        ]
        for (text, inside, outside) in cases {
            let networks = try TrustedNetworks(text)
            for address in inside {
                #expect(networks.contains(try #require(ClientAddress(address))), "\(text): \(address)")
            }
            for address in outside {
                #expect(!networks.contains(try #require(ClientAddress(address))), "\(text): \(address)")
            }
        }
    }

    @Test("a mistake is told with its entry and what is wrong")
    func mistakes() {
        for (text, words) in [
            ("10.0.0.0/8, 10.0.0.0/33", ["'10.0.0.0/33'", "from 0 to 32"]), ("::/129", ["'::/129'", "from 0 to 128"]),
            ("10.0.0.1/8", ["'10.0.0.1/8'", "10.0.0.0/8"]), ("2001:db8::1/32", ["2001:db8::/32"]),
            ("proxy.example", ["'proxy.example'", "10.0.0.0/8"]), ("10.0.0.0/", ["'10.0.0.0/'", "from 0 to 32"]),
            ("/8", ["'/8'"]), ("10.0.0.0/-1", ["from 0 to 32"]), ("none, 10.0.0.0/8", ["'none' stands beside"]),
            (" , ", ["empty"]), ("[::1]", ["'[::1]'"]), ("10.0.0.0/8/8", ["from 0 to 32"]),
        ] {
            let error = #expect(throws: TrustedNetworks.Mistake.self) { try TrustedNetworks(text) }
            for word in words {
                #expect(error?.description.contains(word) == true, "\(text): \(error?.description ?? "")")
            }
        }
    }

    @Test("networks that are too wide to be anybody's own are found")
    func tooWide() throws {
        for text in ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3", "loopback, 0.0.0.0/7"] {
            #expect(try TrustedNetworks(text).tooWide != nil, "\(text)")
        }
        for text in ["none", "loopback", "private", "10.0.0.0/8", "fc00::/7", "2001:db8::/32", "192.0.2.1", "::1"] {
            #expect(try TrustedNetworks(text).tooWide == nil, "\(text)")
        }
    }
}
