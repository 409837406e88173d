import NIOCore
import Testing

@testable import FanfareWire

@Suite("Session ids")
struct SessionIDTests {
    private let client = ClientID.make(node: .random(), loop: 5)

    @Test("an id is read as it was written, as text and as bytes, and says where its client is")
    func roundTrip() throws {
        for _ in 0..<1_000 {
            let id = SessionID.make(for: client)
            let text = try #require(SessionID(ExactText(id.text)))
            #expect(text.matches(id) && text == id && text.client == client)
            #expect(SessionID(id.bytes) == id && id.bytes.readableBytes == SessionID.size)
        }
    }

    @Test("128 bits are drawn anew for each, every one of them")
    func random() {
        let secrets = (0..<2_000).map { _ in Array(SessionID.make(for: client).text.utf8.suffix(32)) }
        #expect(Set(secrets).count == secrets.count)
        for place in 0..<32 { #expect(Set(secrets.map { $0[place] }).count == 16, "digit \(place)") }
    }

    @Test("each bit of it counts")
    func bits() throws {
        let id = SessionID.make(for: client)
        for place in 0..<SessionID.size * 8 {
            var bytes = Array(id.bytes.readableBytesView)
            bytes[place / 8] ^= 1 << (place % 8)
            let other = try #require(SessionID(ByteBuffer(bytes: bytes)))
            #expect(!other.matches(id) && other.text != id.text, "bit \(place)")
        }
    }

    @Test("what is written into logs has no secret")
    func description() {
        let id = SessionID.make(for: client)
        let secret = String(id.text.suffix(32))
        #expect("\(id)" == "session of \(client)" && !"\(id)".contains(secret))
    }

    @Test("what is no id is none")
    func nonsense() {
        let text = SessionID.make(for: client).text
        for other in [
            "", "\(client)", "\(client).", String(text.dropLast()), text + "0", text.replacing(".", with: "-"),
            String(text.dropLast()) + "G", String(text.dropLast()) + "A", String(text.dropLast(2)) + "\u{E9}",
        ] {
            #expect(SessionID(ExactText(other)) == nil, "\(other)")
        }
        #expect(SessionID(ByteBuffer(repeating: 1, count: 31)) == nil)
        #expect(SessionID(ByteBuffer(repeating: 1, count: 33)) == nil)
    }
}
