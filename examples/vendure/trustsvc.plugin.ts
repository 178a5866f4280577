/** Posts the state of each order to trustsvc, signed by Standard Webhooks (docs/how-to/vendure.md). */
import { createHmac, randomUUID } from 'node:crypto';
import { OnApplicationBootstrap } from '@nestjs/common';
import {
    CustomerEvent, EventBus, FulfillmentStateTransitionEvent, HistoryService, ID, IdentifierChangeEvent, JobQueue,
    JobQueueService, Order, OrderEvent, OrderPlacedEvent, OrderStateTransitionEvent, PluginCommonModule, RefundEvent,
    RefundStateTransitionEvent, RequestContextService, TransactionalConnection, Type, VendureEvent, VendurePlugin,
} from '@vendure/core';
import { FindOptionsWhere, MoreThan } from 'typeorm';

/** States that go by another name at trustsvc. A state of your own is sent as it is, and the invitation waits. */
const STATUS: Record<string, string> = {
    PaymentAuthorized: 'authorized', PaymentSettled: 'processing', PartiallyDelivered: 'shipped',
    Modifying: 'on_hold', ArrangingAdditionalPayment: 'awaiting_payment',
};
const UNPAID = ['PaymentAuthorized', 'ArrangingAdditionalPayment'];
const SENT = ['Shipped', 'PartiallyDelivered', 'Delivered'];
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

@VendurePlugin({
    imports: [PluginCommonModule],
    compatibility: '^3.7.0',
    configuration: config => {
        config.customFields.Order.push({ name: 'doNotAsk', type: 'boolean', defaultValue: false });
        config.customFields.Order.push({ name: 'buyerLanguage', type: 'string', nullable: true, internal: true });
        return config;
    },
})
export class TrustsvcPlugin implements OnApplicationBootstrap {
    private static options: { url: string; secret: string };
    private queue!: JobQueue<{ orderId: ID }>;

    constructor(private bus: EventBus, private jobs: JobQueueService, private db: TransactionalConnection,
        private history: HistoryService, private contexts: RequestContextService) {}
    static init(options: { url: string; secret: string }): Type<TrustsvcPlugin> {
        this.options = options;
        return TrustsvcPlugin;
    }
    async onApplicationBootstrap() {
        // A job holds the order's id only, and reads the order when it runs: a retry sends the state of then.
        this.queue = await this.jobs.createQueue({ name: 'trustsvc', process: job => this.send(job.data.orderId) });
        this.bus.ofType(OrderPlacedEvent).subscribe(async ({ ctx, order }) => {
            await this.db.getRepository(Order).update(order.id, { customFields: { buyerLanguage: ctx.languageCode } as object });
            await this.enqueue({ id: order.id });
        });
        const ofOrders = [OrderStateTransitionEvent, OrderEvent, RefundEvent, RefundStateTransitionEvent];
        for (const type of ofOrders as Array<Type<VendureEvent & { order: Order }>>)
            this.bus.ofType(type).subscribe(({ order }) => this.enqueue({ id: order.id }));
        this.bus.ofType(CustomerEvent).subscribe(({ entity }) => this.enqueue({ customer: { id: entity.id } }));
        this.bus.ofType(IdentifierChangeEvent)
            .subscribe(event => this.enqueue({ customer: { user: { id: event.user.id } } }));
        this.bus.ofType(FulfillmentStateTransitionEvent)
            .subscribe(event => this.enqueue({ fulfillments: { id: event.fulfillment.id } }));
    }
    private async enqueue(where: FindOptionsWhere<Order>) {
        const orderPlacedAt = MoreThan(new Date(Date.now() - 90 * 86_400_000));
        const orders = await this.db.getRepository(Order).findBy({ ...where, orderPlacedAt });
        for (const order of orders) await this.queue.add({ orderId: order.id }, { retries: 200 });
    }

    private async send(id: ID) {
        const relations = ['customer', 'lines', 'payments', 'payments.refunds', 'fulfillments', 'fulfillments.lines'];
        const order = await this.db.getRepository(Order).findOneOrFail({ where: { id }, relations });
        const { state, customer, customFields: own }: { customFields: any } & Order = order;
        const ctx = await this.contexts.create({ apiType: 'admin' });
        const { items } = await this.history.getHistoryForOrder(ctx, id, false, { sort: { createdAt: 'DESC' as any } });
        const newest = (what: string, to: string) => // of the payments or the parcels
            items.find(item => item.type === `ORDER_${what}_TRANSITION` && item.data.to === to)?.createdAt;
        const payments = order.payments.filter(payment => payment.state === 'Settled');
        const refunds = payments.flatMap(payment => payment.refunds).filter(refund => refund.state !== 'Failed');
        const sent = order.fulfillments.filter(parcel => SENT.includes(parcel.state)).flatMap(parcel => parcel.lines);
        // Where a fulfillment is cancelled the order stays Shipped, so its parcels are counted.
        const isSent = sum(sent.map(line => line.quantity)) >= sum(order.lines.map(line => line.quantity));
        return this.post({
            reference: order.code, modified_at: new Date(),
            status: SENT.includes(state) && !isSent ? 'partially_shipped' : STATUS[state] ?? state,
            email: !customer || customer.deletedAt ? '' : customer.emailAddress, // empty: forget the buyer
            first_name: customer?.firstName, last_name: customer?.lastName, locale: own.buyerLanguage,
            country: order.shippingAddress.countryCode, do_not_ask: own.doNotAsk,
            channel: items.some(item => item.data.from === 'Draft') ? 'draft' : '', created_at: order.orderPlacedAt,
            paid_at: UNPAID.includes(state) ? undefined : newest('PAYMENT', 'Settled'),
            shipped_at: SENT.includes(state) && isSent ? newest('FULFILLMENT', 'Shipped') : undefined,
            delivered_at: isSent && state === 'Delivered' ? newest('FULFILLMENT', 'Delivered') : undefined,
            total: (payments.length ? sum(payments.map(payment => payment.amount)) : order.totalWithTax) / 100,
            refunded_amount: sum(refunds.map(refund => refund.total)) / 100,
        });
    }

    private async post(data: object) {
        const { url, secret } = TrustsvcPlugin.options;
        const body = JSON.stringify({ type: 'order.updated', data });
        const [id, seconds] = [randomUUID(), String(Math.floor(Date.now() / 1000))]; // a retry has a new body and id
        const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
        const signed = 'v1,' + createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
        const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signed };
        const answer = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(10_000) });
        if (!answer.ok) throw new Error(`trustsvc answered ${answer.status}`); // so the queue tries again
        return answer.json();
    }
}
