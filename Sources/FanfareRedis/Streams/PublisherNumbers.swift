import FanfareCore
import FanfareWire
import NIOCore

/// Counts what this node publishes in each channel without history, so that those who hear can tell what never came.
struct PublisherNumbers {

    private var publisher = UInt32.random(in: .min ... .max)
    private var numbers: [ChannelName: UInt32] = [:]

    /// The message for a publication, with the next number of its channel.
    mutating func message(_ publication: Publication) -> ByteBuffer {
        let number = next(publication.channel)
        var message = ByteBufferAllocator().buffer(
            capacity: publication.payload.bytes.readableBytes + Envelope.maximumHeaderBytes)
        Envelope.writeHeader(publication, number, into: &message)
        message.writeImmutableBuffer(Envelope.body(publication))
        return message
    }

    private mutating func next(_ channel: ChannelName) -> PublisherNumber {
        if let last = numbers[channel] {
            numbers[channel] = last &+ 1
            return PublisherNumber(publisher: publisher, number: last &+ 1)
        }
        if numbers.count >= RedisBounds.numberedChannels { self = PublisherNumbers() }
        numbers[channel] = 1
        return PublisherNumber(publisher: publisher, number: 1)
    }
}

/// Counts what never came in the channels without history that this node hears.
struct LossCounter {

    private var heard: [ChannelName: [UInt32: UInt32]] = [:]

    /// Channels of which something is remembered.
    var count: Int { heard.count }

    /// How many publications of that publisher are missing before this one.
    ///
    /// - Parameter isHeard: whether anybody here still listens. What was on its way when the last one left must not leave
    ///   an entry behind, for nobody would ever take it out.
    mutating func take(_ number: PublisherNumber, in channel: ChannelName, isHeard: Bool) -> Int {
        isHeard ? note(number, &heard[channel, default: [:]]) : 0
    }

    private func note(_ number: PublisherNumber, _ publishers: inout [UInt32: UInt32]) -> Int {
        guard let last = publishers.updateValue(number.number, forKey: number.publisher) else {
            if publishers.count > RedisBounds.publishersOfChannel { publishers = [number.publisher: number.number] }
            return 0
        }
        return number.number > last ? Int(number.number - last - 1) : 0
    }

    mutating func forget(_ channel: ChannelName) { heard[channel] = nil }
}
