import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// Commands of the Centrifuge protocol in Protobuf: no more of them than there may be, none with more than its bytes, and
    /// what was read is, written and read again, the same.
    static let protobuf = FuzzTarget(name: "protobuf", maxBytes: 1_024) { input in
        var input = input
        let limit = input.pick([1, 2, 512])
        let bytes = input.buffer
        guard var message = try? CentrifugeProtobufMessage(bytes, maxCommands: limit, maxSubscriptions: 8) else {
            return
        }
        expect((1...limit).contains(message.count), "\(message.count) commands, limit \(limit)")
        let count = message.count
        var commands: [CentrifugeCommand] = []
        do {
            while let command = try message.next() { commands.append(command) }
        } catch {
            expect(commands.count < count, "an error behind all commands")
            return
        }
        expect(commands.count == count && message.count == 0, "\(commands.count) commands instead of \(count)")
        var (written, size) = (ByteBuffer(), 0)
        for command in commands {
            if command.id == 0 { expect(command.method == .send || command.method == .pong, "no id: \(command)") }
            size += command.bytes
            written.writeProtobufMessage(about: Int(input.rest.count)) { command.write(into: &$0) }
        }
        expect(size <= bytes.readableBytes, "\(size) bytes out of \(bytes.readableBytes)")
        // Filters have a target of their own.
        guard !commands.contains(where: \.hasFilter) else { return }
        guard var again = try? CentrifugeProtobufMessage(written, maxCommands: limit, maxSubscriptions: 8) else {
            fatalError("not read again")
        }
        for command in commands {
            expect((try? again.next()) == command, "read otherwise: \(command)")
        }
        expect(again.count == 0, "more than was written")
    }
}

extension CentrifugeCommand {
    fileprivate var hasFilter: Bool {
        switch method {
        case .connect(let request): request.subscriptions.contains { $0.filter != nil }
        case .subscribe(let request): request.filter != nil
        default: false
        }
    }

    /// Bytes of texts and data that it holds.
    fileprivate var bytes: Int {
        switch method {
        case .connect(let request):
            (request.token?.utf8.count ?? 0) + request.subscriptions.reduce(0) { $0 + $1.channel.utf8.count }
        case .subscribe(let request): request.channel.utf8.count + (request.token?.utf8.count ?? 0)
        case .unsubscribe(let channel), .presence(let channel), .presenceStats(let channel): channel.utf8.count
        case .publish(let channel, let data): channel.utf8.count + data.readableBytes
        case .history(let request): request.channel.utf8.count
        case .refresh(let token): token.utf8.count
        case .subRefresh(let channel, let token): channel.utf8.count + token.utf8.count
        case .ping, .pong, .send, .rpc: 0
        }
    }

    /// Writes it as a client does.
    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeProtobuf(CentrifugeFields.Command.id, id)
        guard let name = method.name,
            let field = (1..<32 as Range<UInt32>).first(where: { CentrifugeFields.method(inCommand: $0) == name })
        else { return }
        buffer.writeProtobuf(Number(rawValue: field)) { method.write(into: &$0) }
    }
}

private struct Number: RawRepresentable {
    let rawValue: UInt32
}

extension CentrifugeCommand.Method {
    fileprivate var name: CentrifugeMethod? {
        switch self {
        case .pong: nil
        case .connect: .connect
        case .subscribe: .subscribe
        case .unsubscribe: .unsubscribe
        case .publish: .publish
        case .presence: .presence
        case .presenceStats: .presenceStats
        case .history: .history
        case .send: .send
        case .rpc: .rpc
        case .refresh: .refresh
        case .subRefresh: .subRefresh
        case .ping: .ping
        }
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        switch self {
        case .connect(let request):
            buffer.writeText(CentrifugeFields.Connect.token, request.token)
            for one in request.subscriptions {
                CentrifugeProtobufEncoder.writeEntry(
                    CentrifugeFields.Connect.subscriptions, one.channel.string, about: 40, into: &buffer
                ) { CentrifugeSubscribe.write(one, withChannel: false, into: &$0) }
            }
        case .subscribe(let request): CentrifugeSubscribe.write(request, withChannel: true, into: &buffer)
        case .unsubscribe(let channel), .presence(let channel), .presenceStats(let channel):
            buffer.writeProtobuf(CentrifugeFields.Single.text, channel.string)
        case .publish(let channel, let data):
            buffer.writeProtobuf(CentrifugeFields.Publish.channel, channel.string)
            buffer.writeProtobuf(CentrifugeFields.Publish.data, data)
        case .history(let request):
            buffer.writeProtobuf(CentrifugeFields.History.channel, request.channel.string)
            buffer.writeProtobuf(CentrifugeFields.History.limit, UInt64(bitPattern: Int64(request.limit)))
            if let since = request.since {
                buffer.writeProtobuf(CentrifugeFields.History.since) {
                    $0.writeProtobuf(CentrifugeFields.Position.offset, since.offset)
                    $0.writeProtobuf(CentrifugeFields.Position.epoch, since.epoch)
                }
            }
            buffer.writeProtobuf(CentrifugeFields.History.reverse, request.reverse)
        case .refresh(let token): buffer.writeProtobuf(CentrifugeFields.Single.text, token)
        case .subRefresh(let channel, let token):
            buffer.writeProtobuf(CentrifugeFields.SubRefresh.channel, channel.string)
            buffer.writeProtobuf(CentrifugeFields.SubRefresh.token, token)
        case .ping, .pong, .send, .rpc: break
        }
    }
}

extension CentrifugeSubscribe {
    fileprivate static func write(_ request: Self, withChannel: Bool, into buffer: inout ByteBuffer) {
        if withChannel { buffer.writeProtobuf(CentrifugeFields.Subscribe.channel, request.channel.string) }
        buffer.writeText(CentrifugeFields.Subscribe.token, request.token)
        buffer.writeProtobuf(CentrifugeFields.Subscribe.recover, request.recover)
        buffer.writeProtobuf(CentrifugeFields.Subscribe.epoch, request.position.epoch)
        buffer.writeProtobuf(CentrifugeFields.Subscribe.offset, request.position.offset)
        buffer.writeProtobuf(CentrifugeFields.Subscribe.delta, request.delta.string)
    }
}

extension ByteBuffer {
    /// A text that is there, also an empty one.
    fileprivate mutating func writeText(_ field: some RawRepresentable<UInt32>, _ text: String?) {
        guard let text else { return }
        if text.isEmpty { writeProtobuf(field) { _ in } } else { writeProtobuf(field, text) }
    }
}
