import FanfareCore
import FanfareWire
import NIOCore

extension ControlCommand {
    /// Subscribes clients. See ``ClientCommand``, as for the next three.
    static let subscribe = ControlCommand(rawValue: 20)
    static let unsubscribe = ControlCommand(rawValue: 21)
    static let disconnect = ControlCommand(rawValue: 22)
    static let refresh = ControlCommand(rawValue: 23)

    /// All that are for clients.
    static let forClients: [ControlCommand] = [.subscribe, .unsubscribe, .disconnect, .refresh]
}

/// Commands for clients and their answers, as nodes send them.
enum CommandMessage {
    private enum Field {
        static let user: UInt16 = 1
        static let client: UInt16 = 2
        static let channel: UInt16 = 3
        static let info: UInt16 = 4
        /// What the body is: 1 text, 2 binary; not there: nothing.
        static let data: UInt16 = 5
        static let expiresAt: UInt16 = 6
        static let offset: UInt16 = 7
        static let epoch: UInt16 = 8
        static let code: UInt16 = 9
        static let reason: UInt16 = 10
        /// Client ids with commas between them.
        static let except: UInt16 = 11
        /// Of an answer: for how many clients.
        static let done: UInt16 = 12
        static let full: UInt16 = 13
        static let failed: UInt16 = 14
        static let lost: UInt16 = 15
    }

    static func write(
        _ command: ClientCommand, _ target: CommandTarget
    ) -> (command: ControlCommand, fields: ControlFields, body: ByteBuffer) {
        var fields = ControlFields()
        var body = ByteBuffer()
        fields[text: Field.user] = target.user
        fields[text: Field.client] = target.client.map { ExactText($0.description) }
        switch command {
        case .subscribe(let wanted):
            fields[text: Field.channel] = wanted.channel.text
            fields[Field.info] = wanted.info
            if let data = wanted.data {
                fields[number: Field.data] = data.kind == .text ? 1 : 2
                body = data.bytes
            }
            fields[number: Field.expiresAt] = wanted.expiresAt.map { UInt64(bitPattern: $0) }
            fields[number: Field.offset] = wanted.since?.offset
            fields[text: Field.epoch] = wanted.since.map { ExactText($0.epoch) }
            return (.subscribe, fields, body)
        case .unsubscribe(let channel):
            fields[text: Field.channel] = channel.text
            return (.unsubscribe, fields, body)
        case .disconnect(let disconnect, let reason, let except):
            fields[number: Field.code] = UInt64(disconnect.code)
            fields[text: Field.reason] = ExactText(reason ?? disconnect.reason)
            if !except.isEmpty {
                fields[text: Field.except] = ExactText(except.map(\.description).joined(separator: ","))
            }
            return (.disconnect, fields, body)
        case .refresh(let expiresAt, let info):
            fields[number: Field.expiresAt] = expiresAt.map { UInt64(bitPattern: $0) }
            fields[Field.info] = info
            return (.refresh, fields, body)
        }
    }

    /// Reads a command; `nil` for what is none that a node of this version writes.
    static func read(
        _ command: ControlCommand, _ fields: ControlFields, _ body: ByteBuffer
    ) -> (command: ClientCommand, target: CommandTarget)? {
        guard let target = target(fields) else { return nil }
        let channel = fields[text: Field.channel].flatMap { try? ChannelName($0) }
        let expiresAt = fields[number: Field.expiresAt].map { Int64(bitPattern: $0) }
        var info: ByteBuffer?
        if let bytes = fields[Field.info] {
            guard let json = ClientInfo.checked(bytes) else { return nil }
            info = json
        }
        var data: Payload?
        if let kind = fields[number: Field.data] {
            guard body.readableBytes <= CommandBounds.dataBytes else { return nil }
            data = Payload(kind: kind == 1 ? .text : .binary, bytes: body)
            let isText = kind != 1 || body.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
            guard isText, data?.isNestedTooDeep == false else { return nil }
        }
        switch command {
        case .subscribe:
            guard let channel else { return nil }
            var wanted = CommandedSubscription(channel: channel, info: info, data: data, expiresAt: expiresAt)
            if let offset = fields[number: Field.offset], let epoch = fields[text: Field.epoch] {
                wanted.since = StreamPosition(offset: offset, epoch: epoch.string)
            }
            return (.subscribe(wanted), target)
        case .unsubscribe: return channel.map { (.unsubscribe($0), target) }
        case .disconnect: return disconnect(fields).map { ($0, target) }
        case .refresh: return (.refresh(expiresAt: expiresAt, info: info), target)
        default: return nil
        }
    }

    private static func target(_ fields: ControlFields) -> CommandTarget? {
        var client: ClientID?
        if let text = fields[text: Field.client] {
            guard let id = ClientID(text) else { return nil }
            client = id
        }
        return CommandTarget(user: fields[text: Field.user], client: client)
    }

    private static func disconnect(_ fields: ControlFields) -> ClientCommand? {
        guard let code = fields[number: Field.code].flatMap(UInt16.init(exactly:)),
            let reason = fields[text: Field.reason]?.string,
            reason.utf8.count <= ApplicationDisconnect.maximumReasonBytes
        else { return nil }
        let isExpired = code == Disconnect.expired.code
        guard let disconnect = isExpired ? .expired : Disconnect.commanded(code: code, reason: reason) else {
            return nil
        }
        var except: [ClientID] = []
        if let list = fields[text: Field.except] {
            for text in list.string.split(separator: ",") {
                guard except.count < CommandBounds.exceptions, let id = ClientID(ExactText(String(text))) else {
                    return nil
                }
                except.append(id)
            }
        }
        return .disconnect(disconnect, reason: reason, except: except)
    }

    static func answer(_ count: CommandCount) -> ControlAnswer {
        var fields = ControlFields()
        fields[number: Field.done] = UInt64(count.done)
        fields[number: Field.full] = UInt64(count.full)
        fields[number: Field.failed] = UInt64(count.failed)
        fields[number: Field.lost] = UInt64(count.lost)
        return ControlAnswer(fields: fields)
    }

    /// What a node answered; `nil`: not that it did it.
    static func count(_ answer: ControlAnswer) -> CommandCount? {
        guard answer.status == .ok else { return nil }
        // Sums of any number of answers stay numbers.
        func number(_ field: UInt16) -> Int { Int(min(answer.fields[number: field] ?? 0, 1 << 32)) }
        return CommandCount(
            done: number(Field.done), full: number(Field.full), failed: number(Field.failed), lost: number(Field.lost))
    }
}
