"""The attributes of every Jetti resource the sandbox keeps, in the notation of
jetti.md#notation-of-the-compact-lists, #field-lists.

`name type`, then `?` = nullable, `(a/b)` = the only values, `=x` = default, `!` = must be sent.
`text` is a string of any length. `id`, `createdAt`, `updatedAt` and `companyId` are on every row
and not repeated here. The file is long because it is one table.
"""

from __future__ import annotations

SALE = """
adjustmentReasonId integer?; adminNotes text?; billingAddressLineOne string?;
billingAddressLineTwo string?; billingAddressMessage string?; billingCity string?;
billingCountry string?; billingFirstName string?; billingFullName json?; billingLastName string?;
billingName string?; billingState string?; billingZip string?;
cancelReason string?(customer/fraud/inventory/declined/other);
cancellationStatus string(none/partial/full) =none; cancelled boolean =false; cancelledAt date?;
channelCancelledAt date?; channelId integer !; cityTaxLocation string?; cityTaxRate number?;
cloneReason string?(exchange/new_sale); combinedTaxRate number?; countyTaxLocation string?;
countyTaxRate number?; customerId integer?; customerReference string?; dateOrdered date =now;
discounts number =0; districtTaxRate number?; dropshipProblems json?; externalId string?;
finalized boolean =true; intercomMessageId string?; internalNotes text?;
invalidBillingAddress string?; invalidShippingAddress boolean? =false;
inventoryStatus string(notFulfilled/partiallyFulfilled/fulfilled) =notFulfilled;
invoiceStatus string(notInvoiced/partiallyInvoiced/invoiced) =notInvoiced;
lastFulfillmentReference integer? =0; lastPurchaseReference integer? =0;
lastSaleReturnReference integer? =0; locked boolean =false; muteError boolean? =false;
notes text?; paid number?; paymentStatus string(notPaid/partiallyPaid/paid) =notPaid;
priceListId integer !; quantity integer =0; receiverAddressLineOne string?;
receiverAddressLineTwo string?; receiverCity string?; receiverCountry string?;
receiverName string?; receiverState string?; receiverZip string?; reference string !;
resellerId integer?; resellerPayee string?(reseller/customer) =reseller;
resellerStripeChargeId string?;
returnStatus string(notReturned/partiallyReturned/returned) =notReturned;
saleDiscountCodeId integer?; saleId integer?; shippingAddressLineOne string?;
shippingAddressLineTwo string?; shippingAddressMessage boolean? =false; shippingCity string?;
shippingCountry string?; shippingFirstName string?; shippingFullName json?;
shippingLastName string?; shippingName string?; shippingState string?; shippingZip string?;
shipstationId string?; stateTaxLocation string?; stateTaxRate number?;
status string(draft/pending/finalized) =pending; subtotal number =0; tags strings?; tax number =0;
taxCalculation string?(default/custom) =default; taxIncluded boolean =false;
taxShipping boolean? =true; total number =0; userId integer?; warehouseId integer !;
weight number? =0
"""

SALE_ITEM = """
allocation json?; bundleQuantity integer? =0; bundleSaleItemId integer?;
channelCompareAtPrice number?; channelPrice number?; cloneSaleItemId integer?;
commercialInvoicePrice number?; costPrice number?; discount number?; discountAllocated json?;
discounts json?; dropshipProviderId integer?; externalId string?; externalVariantId string?;
inventoryProcessed integer =0; isBundle boolean =false; location string?; locked boolean =false;
manualRouting string?(dropship/fulfill); name string !; notes json?;
orderRouting string?(automated/manual/ignore) =automated; preventDuplicates boolean? =false;
price number =0; properties json?; quantity integer =1; quantityCancelled integer =0;
quantityInvoiced integer =0; quantityRefunded integer =0; quantityReturned integer =0;
saleId integer !; subtotal number =0; tax number =0; taxRate number?; taxable boolean =false;
unallocated boolean? =false; variantId integer?; warehouseId integer?
"""

SALE_RETURN = """
adminNotes text?; aftershipId string?; commercialInvoiceUrl string?; days integer?;
dropshipProviderAddressId integer?; durationTerms string?; externalId string?; files json?;
grams number? =0; intercomMessageId string?; labelError string?; labelFileFormat string?(png/pdf);
labelFiles json?; labelRefund boolean? =false; labelUrl string?; muteError boolean? =false;
notes text?; paid number =0; paymentStatus string(notPaid/partiallyPaid/paid) =notPaid;
price number? =0; provider string?; purchaseId integer?; quoteId string?; reference string !;
returnAddressLineOne string?; returnAddressLineTwo string?; returnCity string?;
returnCountry string?; returnFirstName string?; returnLabelType string?(prePaid/paid) =prePaid;
returnLastName string?; returnName string?; returnShipmentId integer?; returnState string?;
returnZip string?; saleId integer !; saleReturnSource string?(internal/external) =internal;
saleReturnType string?(automated/customer/dropship_provider/merchant); serviceLevel string?;
serviceLevelTerms string?; shippoLabelIds strings?;
status string(draft/requested/finalized/shipped/received/cancelled) =requested; tags strings?;
trackingCompany string?; trackingNumber string?;
trackingStatus string?(delivered/failure/pre_transit/returned/transit/unknown);
trackingStatusDate date?; trackingStatusDetails string?; trackingUrl string?; userId integer?;
vendorCancelledAt date?; vendorReceivedId string?;
vendorReceivedStatus string?(notSent/received/error) =notSent
"""

SALE_RETURN_ITEM = """
adjustmentReasonId integer?; externalId string?;
merchantStatus string?(pending/approved/rejected) =approved; price number =0;
purchaseItemId integer?; quantity integer =0; quantityCancelled integer =0;
quantityRefunded integer =0; quantityWrittenOff integer =0; saleItemId integer !;
saleReturnId integer !; vendorStatus string?(pending/approved/rejected) =pending;
warehouseId integer !
"""

PURCHASE = """
adjustmentReasonId integer?; adminNotes text?; approved boolean =true;
billingAddressLineOne string?; billingAddressLineTwo string?; billingAddressMessage string?;
billingCity string?; billingCountry string?; billingFirstName string?; billingFullName json?;
billingLastName string?; billingName string?; billingState string?; billingZip string?;
cancellationStatus string(none/partial/full) =none; cancelled boolean =false; cancelledAt date?;
cityTaxLocation string?; cityTaxRate number?; combinedTaxRate number?; countyTaxLocation string?;
countyTaxRate number?; customerReference string?; dateOrdered date =now; deliveryExpectedAt date?;
discounts number =0; districtTaxRate number?; dropshipNotes text?;
dropshipProviderAddressId integer?; dropshipProviderId integer?; files json?;
finalized boolean =true; intercomMessageId string?; internalReference string?;
invalidBillingAddress string?; invalidShippingAddress boolean? =false;
inventoryStatus string(notReceived/partiallyReceived/received) =notReceived;
invoiceStatus string(notInvoiced/partiallyInvoiced/invoiced) =notInvoiced; isDropship boolean !;
labelProblem json?; lastDropshipmentReference integer? =0; lastGoodsReceiptReference integer? =0;
lastPurchaseInvoiceReference integer? =0; locked boolean =false; muteError boolean? =false;
notes text?; orderProblem json?; orderSplitting string?(group/splitTag/splitQuantity) =group;
orderSplittingKey string?; paymentExpectedAt date?;
paymentStatus string(notPaid/partiallyPaid/paid) =notPaid; priceListId integer?;
purchaseId integer?; purchaseImportExternalId string?; purchaseStatusId integer?;
purchaseType string(replenishment/dropship/automated_dropship/
automated_replenishment/adjusted_dropship) =replenishment;
quantity integer =0; receiverAddressLineOne string?; receiverAddressLineTwo string?;
receiverCity string?; receiverCountry string?; receiverName string?; receiverState string?;
receiverZip string?; reference string !; reminderLastSent date?; reminderSent integer? =0;
returnStatus string(notReturned/partiallyReturned/returned) =notReturned; saleId integer?;
shipmentRouting string?(customer/consolidated/consolidatedInternational) =customer;
shippingAddressLineOne string?; shippingAddressLineTwo string?;
shippingAddressMessage boolean? =false; shippingCity string?; shippingCountry string?;
shippingExpectedAt date?; shippingFirstName string?; shippingFullName json?;
shippingLastName string?; shippingName string?; shippingRateError string?(value/weight);
shippingState string?; shippingZip string?; splitTag string?; stateTaxLocation string?;
stateTaxRate number?; subtotal number =0; tags strings?; tax number =0;
taxCalculation string?(default/custom) =default; taxIncluded boolean =false;
taxShipping boolean? =true; total number =0; userId integer?;
vendorEndpointFormat string?(json/xml/csv/text/email/website/phone); vendorEndpointHeaders json?;
vendorEndpointResponse string?; vendorId integer?; vendorReceivedId string?;
vendorReceivedReference string?; vendorReceivedStatus string?(notSent/received/error) =notSent;
vendorReference string?; warehouseId integer?; weight number? =0
"""

PURCHASE_ITEM = """
bundlePurchaseItemId integer?; bundleQuantity integer? =0; clonePurchaseItemId integer?;
commissionRefund string?(none/full) =none; commissionRetained number? =0;
commissionTaxRate number? =0; commissionTaxRetained number? =0; exchangeIso string?;
exchangeRate number?; inventoryProcessed integer =0; isBundle boolean =false;
locked boolean =false; name string !; notes json?; preventDuplicates boolean? =false;
price number =0; properties json?; purchaseId integer !; purchaseImportExternalId string?;
quantity integer =1; quantityCancelled integer =0; quantityInvoiced integer =0;
quantityReturned integer =0; saleItemId integer?; subtotal number =0; tax number =0;
taxRate number?; taxable boolean =false; variantId integer?
"""

ADJUSTMENT_REASON = """
code string !; name string !; showInReturnsPortal boolean? =true
"""

CUSTOMER = """
accountsEmail string?; companyCode string?; email string !; fax string?; firstName string?;
lastName string?; name string?; notes text?; orderEmail string?; phone string?;
priceListId integer?; quickbooksId string?; resellerId integer?; returnsEmail string?;
saleNotes text?; status string?(active/disabled) =active; stripeId string?; tags strings?;
taxNumber string?; userId integer?; xeroId string?
"""

# Of these two only the settings that decide a new sale return's status are known
# (jetti.md#status-after-creation).
DROPSHIP_PROVIDER = """
name string !; saleReturnCustomerStatus string(default/requested/finalized) =default
"""

WAREHOUSE = """
name string !; defaultReturnStatus string(draft/requested/finalized/shipped/received) =received
"""
