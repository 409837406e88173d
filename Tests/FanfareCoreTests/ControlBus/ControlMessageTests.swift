import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Control messages")
struct ControlMessageTests {
    private static let sender = NodeID(rawValue: 0x2AB_CDEF)

    private func message(_ change: (inout ControlMessage) -> Void = { _ in }) throws -> ControlMessage {
        var message = ControlMessage(
            kind: .request, command: .ping, sender: try #require(Self.sender), number: 7,
            body: ByteBuffer(string: "body"))
        message.fields[text: 9] = "text"
        message.fields[number: 10] = 11
        change(&message)
        return message
    }

    private func bytes() throws -> [UInt8] {
        let message = try message()
        return Array(try #require(message.encoded()).readableBytesView)
    }

    @Test("what a node says is read as it was")
    func roundTrip() throws {
        for kind in [ControlMessage.Kind.request, .answer, .notice] {
            let message = try message {
                $0.kind = kind
                $0.status = kind == .answer ? .busy : .ok
            }
            let bytes = try #require(message.encoded())
            let read = try #require(ControlMessage(bytes))
            #expect(read == message)
            #expect(read.fields[text: 9] == "text" && read.fields[number: 10] == 11)
            #expect(read.fields[12] == nil && read.fields[number: 9] == nil)
        }
    }

    @Test("a recorded message of the first version is read for ever")
    func recorded() throws {
        let bytes: [UInt8] = [
            0x00, 0x46, 0x43, 0x01, 1, 0, 1, 0, 0, 0x02, 0xAB, 0xCD, 0xEF, 0, 0, 0, 0, 0, 0, 0, 7,
            0, 0, 0, 24, 0, 9, 0, 0, 0, 4, 0x74, 0x65, 0x78, 0x74, 0, 10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 11,
            0x62, 0x6F, 0x64, 0x79,
        ]
        let message = try message()
        #expect(ControlMessage(ByteBuffer(bytes: bytes)) == message)
        #expect(message.encoded() == ByteBuffer(bytes: bytes))
    }

    @Test("commands, statuses and fields that nobody knows are read; kinds, versions and node ids are not")
    func unknown() throws {
        let later = try message {
            $0.command = ControlCommand(rawValue: 60_000)
            $0.status = ControlStatus(rawValue: 999)
            $0.fields[65_535] = ByteBuffer(string: "later")
        }
        let laterBytes = try #require(later.encoded())
        #expect(ControlMessage(laterBytes) == later)
        let bytes = try bytes()
        for (place, value) in [(0, 1), (2, 0x46), (3, 2), (3, 0), (4, 0), (4, 4), (9, 4), (9, 255)] {
            var changed = bytes
            changed[place] = UInt8(value)
            #expect(ControlMessage(ByteBuffer(bytes: changed)) == nil, "byte \(place) is \(value)")
        }
    }

    @Test("a message cut anywhere, or with fields beyond its end, is none")
    func cut() throws {
        let bytes = try bytes()
        for count in 0..<bytes.count - 4 { #expect(ControlMessage(ByteBuffer(bytes: bytes[..<count])) == nil) }
        var long = bytes
        long.replaceSubrange(21..<25, with: [255, 255, 255, 255])
        #expect(ControlMessage(ByteBuffer(bytes: long)) == nil)
        // A field that is longer than all of them takes nothing of the body with it.
        var field = bytes
        field[27] = 200
        let read = try #require(ControlMessage(ByteBuffer(bytes: field)))
        #expect(read.body == ByteBuffer(string: "body") && read.fields == ControlFields())
    }

    @Test("what is larger than the bounds is not written, and not read")
    func bounds() throws {
        let body = try message { $0.body = ByteBuffer(repeating: 1, count: ControlBounds.messageBytes) }
        #expect(body.encoded() == nil)
        let fields = try message { $0.fields[1] = ByteBuffer(repeating: 1, count: TypedFields.maximumBytes) }
        #expect(fields.encoded() == nil)
        var most = ByteBuffer(bytes: try bytes())
        most.writeRepeatingByte(1, count: ControlBounds.messageBytes - most.readableBytes)
        #expect(ControlMessage(most) != nil)
        most.writeInteger(UInt8(1))
        #expect(ControlMessage(most) == nil)
    }

    @Test("fields beyond what any message has are passed over, so that they cost nothing")
    func manyFields() throws {
        let message = try message {
            for id in 1...UInt16(ControlBounds.fields + 20) where id != 9 && id != 10 { $0.fields[number: id] = 1 }
        }
        let bytes = try #require(message.encoded())
        let read = try #require(ControlMessage(bytes))
        let count = (1...UInt16(ControlBounds.fields + 20)).count { read.fields[$0] != nil }
        #expect(count == ControlBounds.fields && read.fields[text: 9] == "text" && read.body == message.body)
    }

    @Test("a node's id has 26 bits, and is written as seven digits")
    func ids() throws {
        #expect(NodeID(rawValue: 1 << 26) == nil)
        #expect(NodeID(rawValue: 255)?.description == "00000ff")
        #expect(NodeID(rawValue: (1 << 26) - 1)?.description == "3ffffff")
        for _ in 0..<100 { #expect(NodeID.random().rawValue < 1 << 26) }
    }

    @Test("no client can name the nodes' channels")
    func names() throws {
        let id = try #require(Self.sender)
        #expect(ChannelName.control.string == "*control" && ChannelName.node(id).string == "*node:2abcdef")
        for name in [ChannelName.control, .node(id)] {
            #expect(name.isReserved && ChannelName(reserved: name.string) == name)
            #expect(throws: ChannelNameError.self) { try ChannelName(name.string) }
            let rules = ChannelRulebook(namespaces: ["*node": ChannelRules()])
            #expect(rules.rules(name) == nil && ChannelRulebook().rules(name) == nil)
        }
        for text in ["control", "*probe:1", "*", "*epoch", "*node:", "*node:2abcde", "*node:2ABCDEF", "*node:2abcdef0"]
        {
            #expect(ChannelName(reserved: text) == nil, "\(text)")
        }
    }
}
