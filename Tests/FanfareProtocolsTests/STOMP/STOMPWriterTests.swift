import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("STOMP messages and destinations")
struct STOMPWriterTests {
    private static func message(
        _ codec: STOMPCodec, _ channel: String, _ payload: Payload, _ position: StreamPosition? = nil,
        tags: [PublicationTags.Tag] = []
    ) throws -> String {
        let publication = Publication(
            channel: try ChannelName(channel), payload: payload, position: position,
            metadata: PublicationMetadata(tags: try PublicationTags(tags)))
        let text = String(buffer: codec.body(publication).bytes)
        // The number is another one each time.
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        #expect(lines.first?.hasPrefix("message-id:") == true)
        return lines.count > 1 ? String(lines[1]) : text
    }

    private static let v12 = STOMPCodec(STOMPForm(.v12))

    @Test("a message has its length, its type where somebody said one, its place, and the publication's tags (MESSAGE)")
    func message() throws {
        #expect(
            try Self.message(Self.v12, "news", Payload(text: "hi"))
                == "content-length:2\ndestination:/topic/news\n\nhi\0")
        let tags: [PublicationTags.Tag] = [
            .init(name: "content-type", value: "application/json"), .init(name: "k:y", value: "a\nb"),
            // What the node says itself nobody else does.
            .init(name: "subscription", value: "other"), .init(name: "message-id", value: "1"),
        ]
        #expect(
            try Self.message(
                STOMPCodec(STOMPForm(.v12, .bare)), "a:b", Payload(text: "{}"), .init(offset: 7, epoch: "k3vx"),
                tags: tags)
                == "content-length:2\ndestination:a\\cb\ncontent-type:application/json\noffset:7\nepoch:k3vx\nk\\cy:a\\nb\n\n{}\0"
        )
        let binary = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 1]))
        #expect(try Self.message(Self.v12, "b", binary) == "content-length:2\ndestination:/topic/b\n\n\0\u{1}\0")
    }

    @Test("what a version can't say is left out, never said otherwise (Value Encoding)")
    func unsayable() throws {
        let tags: [PublicationTags.Tag] = [
            .init(name: "a", value: "1\n2"), .init(name: "b", value: "1\r2"), .init(name: "c:d", value: "x"),
            .init(name: "e", value: "1:2"), .init(name: "f", value: "0\u{0}0"), .init(name: "g", value: " 1"),
        ]
        func said(_ version: STOMPVersion) throws -> String {
            let text = try Self.message(STOMPCodec(STOMPForm(version, .bare)), "n", Payload(text: ""), tags: tags)
            return String(text.split(separator: "destination:n").last ?? "")
        }
        #expect(try said(.v10) == "\ne:1:2\n\n\0")
        #expect(try said(.v11) == "\na:1\\n2\nc\\cd:x\ne:1\\c2\ng: 1\n\n\0")
        #expect(try said(.v12) == "\na:1\\n2\nb:1\\r2\nc\\cd:x\ne:1\\c2\ng: 1\n\n\0")
    }

    @Test("the lead of a subscription is bounded with its escapes")
    func lead() {
        func lead(_ id: ExactText?, _ version: STOMPVersion) -> String? {
            STOMPCodec.lead(id, version).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(
            lead("a:1", .v12) == "MESSAGE\nsubscription:a\\c1\n" && lead("a:1", .v10) == "MESSAGE\nsubscription:a:1\n")
        #expect(lead(nil, .v10) == "MESSAGE\n")
        let most = String(repeating: "x", count: STOMPBounds.idBytes)
        #expect(lead(ExactText(most), .v12).map { $0.utf8.count <= 255 } == true)
        #expect(lead(ExactText(most + "x"), .v12) == nil)
        #expect(lead(ExactText(String(repeating: ":", count: 101)), .v12) == nil)
    }

    @Test(
        "a destination is one channel, and a channel one destination in each form",
        arguments: ["news", "a:b", "é", "a/b", "/x", "//", "topic/x"])
    func destinations(_ name: String) throws {
        let channel = try ChannelName(name)
        let topic = STOMPDestination(channel, .topic)
        #expect(try STOMPDestination(topic.text, limit: 255) == topic)
        let bare = STOMPDestination(channel, .bare)
        if name.hasPrefix("/") {
            // Only with its prefix: a bare name has no slash at its front.
            #expect(throws: STOMPError.self) { try STOMPDestination(bare.text, limit: 255) }
        } else {
            #expect(try STOMPDestination(bare.text, limit: 255) == bare)
        }
    }

    @Test(
        "a user's queue is a channel of that user alone, and the channel is said as that queue (docs/authentication.md)",
        arguments: [("inbox", "42"), ("chat:inbox", "é"), ("a/b", "a#b"), ("/user/queue/x", "x.y")])
    func userQueue(_ name: String, _ user: String) throws {
        let user = ExactText(user)
        let destination = try STOMPDestination(ExactText("/user/queue/\(name)"), user: user, limit: 255)
        #expect(destination.channel.string == "\(name)#\(user)" && destination.form == .user)
        #expect(destination.text == ExactText("/user/queue/\(name)"))
        #expect(ChannelBoundary(destination.channel) == .users([user]))
        let text = try Self.message(STOMPCodec(STOMPForm(.v10, .user)), destination.channel.string, Payload(text: "x"))
        #expect(text == "content-length:1\ndestination:/user/queue/\(name)\n\nx\0")
    }

    @Test(
        "a queue that would be somebody else's channel, or nobody's, is refused",
        arguments: [
            ("inbox", ""), ("inbox", "a;b"), ("inbox#7", "42"), ("inbox#", "42"), ("$inbox", "42"), ("", "42"),
            ("inbox", "a\nb"), ("inbox", String(repeating: "x", count: 255)),
        ])
    func refusedUserQueue(_ name: String, _ user: String) {
        #expect(throws: STOMPError.self) {
            try STOMPDestination(ExactText("/user/queue/\(name)"), user: ExactText(user), limit: 255)
        }
    }

    @Test(
        "other destinations are refused with words",
        arguments: ["/queue/a", "/user/queue/a", "/topic", "/topic/", "", "/Topic/a", "a b", "/topic/*", "*control"])
    func refused(_ text: String) {
        #expect(throws: STOMPError.self) { try STOMPDestination(ExactText(text), limit: 255) }
    }

    @Test("an error is one line, whatever the version")
    func error() {
        let body = STOMPWriter.error("a\nb\r\nc", .v10, receipt: "r:1")
        #expect(String(buffer: body.bytes) == "ERROR\nmessage:a b c\nreceipt-id:r:1\n\n\0")
        let other = STOMPWriter.error("unsupported", .v12, receipt: nil, versions: STOMPVersion.list)
        #expect(String(buffer: other.bytes) == "ERROR\nmessage:unsupported\nversion:1.0,1.1,1.2\n\n\0")
    }
}
